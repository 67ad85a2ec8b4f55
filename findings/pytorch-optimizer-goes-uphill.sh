#!/usr/bin/env bash
# pytorch_optimizer: Ranger begins uphill, LAMB's first step is ten times its rate, SRMM shrinks the weights at a rate of 0, "poly" rises.
#
# Versions   pytorch_optimizer 4.1.0, torch 2.15.0 (some 5 GB when installed)
# Guess      Ranger is RAdam with lookahead, and its loss falls; a step of LAMB is the rate times the weights' norm; at a rate of 0 no weight
#            moves; a polynomial schedule falls to its minimum, and a schedule that has ended stays there.
# What is so With its defaults Ranger's first five steps are exactly those of SGD with momentum with the sign turned: RAdam marks the steps
#            that it is to leave out by a rate below 0, RAdam, AdaBelief, DiffGrad and Aida leave them out, Ranger takes them. LAMB
#            divides its rate by 1 - beta1^t, as Adam does, and then the step is scaled to the weights' norm, which makes the first steps 10,
#            5.3, 3.7, 2.9 times too long; adam_debias=True is the paper's. SRMM averages the weights with a buffer of zeros: the first step
#            leaves 0.707 of each, those of batch norm and of a pretrained net too. PolyScheduler multiplies by the count of steps to the
#            power, where it is to be the part that is left: ten times its max_lr after 100 steps. LinearScheduler, once over, goes
#            below 0, so that the next steps go uphill.
# Cause      BaseOptimizer.get_rectify_step_size answers -1 and Ranger (both its paths) does not look at the sign; Lamb hands the rate to
#            apply_adam_debias and normalises afterwards; SRMM's mov_avg_param starts at zeros; PolyScheduler._step, LinearScheduler._step.
# Who is hit Fine-tuning with Ranger (five steps away from the pretrained weights), large batches with LAMB without warmup, runs of some epochs
#            more than planned.
# Seen       loss of w^2/2, Ranger                        7.5 7.585 7.672 7.76 7.85 7.94
#            loss, Ranger with degenerated_to_sgd=True    7.5 7.415 7.332 7.25 7.169 7.09
#            loss, RAdam                                  7.5 7.5 7.5 7.5 7.5 7.5
#            LAMB: length of a step by rate and norm      10 5.263 3.69 2.908 2.442
#            LAMB with adam_debias=True                   1 1 1 1 1
#            weights 1 and 2 after a step of SRMM, rate 0 0.7071 1.414
#            PolyScheduler to 0.1 in 2 steps, then on     0 0.05 0.1 0.1 0.1414 0.1732 0.2; after 100 steps 0.99
#            LinearScheduler of 8 steps, its last ones    0.03333 0.01667 -1.388e-17 -0.01667 -0.03333
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet pytorch_optimizer==4.1.0 torch==2.15.0
venv/bin/python -W ignore - <<'PYTHON'
import pytorch_optimizer
import torch


def show(title, values):
    print(f"{title:45}{' '.join(f'{float(value):.4g}' for value in values)}")


def losses(name, **options):
    """The loss |w|^2 / 2, whose gradient is w, before each of six steps."""
    w = torch.nn.Parameter(torch.tensor([[1.0, 2.0], [3.0, -1.0]]))
    optimizer = getattr(pytorch_optimizer, name)([w], lr=0.01, **options)
    seen = []
    for _ in range(6):
        optimizer.zero_grad()
        loss = (w**2).sum() / 2
        loss.backward()
        optimizer.step()
        seen.append(loss.item())
    return seen


show("loss of w^2/2, Ranger", losses("Ranger"))
for options in ({}, {"foreach": False}, {"use_gc": False}):
    uphill = losses("Ranger", **options)
    assert all(a < b for a, b in zip(uphill, uphill[1:]))
downhill = losses("Ranger", degenerated_to_sgd=True)
show("loss, Ranger with degenerated_to_sgd=True", downhill)
assert all(a > b for a, b in zip(downhill, downhill[1:]))
# PyTorch's own RAdam goes down from the first step; this one waits.
show("loss, RAdam", losses("RAdam"))


def lamb(**options):
    """How long each step is, by the rate times the norm of the weights before it: 1 in the paper, without decay."""
    w = torch.nn.Parameter(torch.tensor([[1.0, 2.0], [1.0, -1.0]]))
    optimizer = pytorch_optimizer.Lamb([w], lr=0.001, **options)
    seen = []
    for _ in range(5):
        before = w.detach().clone()
        w.grad = torch.tensor([[0.1, 0.2], [-0.1, 0.3]])
        optimizer.step()
        seen.append(float((w.detach() - before).norm() / (0.001 * before.norm())))
    return seen


long, right = lamb(), lamb(adam_debias=True)
show("LAMB: length of a step by rate and norm", long)
show("LAMB with adam_debias=True", right)
for t, (a, b) in enumerate(zip(long, right), 1):
    assert abs(b - 1) < 1e-3 and abs(a - 1 / (1 - 0.9**t)) < 0.01

w = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
w.grad = torch.zeros(2)
pytorch_optimizer.SRMM([w], lr=0.0).step()
show("weights 1 and 2 after a step of SRMM, rate 0", w)
assert torch.allclose(w, torch.tensor([1.0, 2.0]) * 0.5**0.5)


def rates(name, steps, **options):
    sgd = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    schedule = getattr(pytorch_optimizer, name)(sgd, max_lr=0.1, **options)
    return [float(schedule.step()) for _ in range(steps)]


poly = rates("PolyScheduler", 101, t_max=100, warmup_steps=2)
show("PolyScheduler to 0.1 in 2 steps, then on", poly[:7])
show("PolyScheduler after 100 steps", poly[-1:])
assert poly[-1] > 0.98 and all(a <= b for a, b in zip(poly, poly[1:]))
line = rates("LinearScheduler", 11, t_max=8, warmup_steps=2)
show("LinearScheduler of 8 steps, its last ones", line[-5:])
assert line[-1] < -0.03
PYTHON
