"""A measured PyTorch process; speaks the protocol of bench/children/child-main.ts."""

import contextlib
import json
import sys
import time

import torch
from nets import build


def prepare(setup):
    """The thing to time, and how many values the net learns.

    setup: pass train|forward, precision fp32|bf16|fp16, channelsLast, compile, model, imageSize, classes, batchSize,
    threads,
    device
    """
    if setup["threads"]:
        torch.set_num_threads(setup["threads"])
    torch.manual_seed(1)
    device = setup.get("device", "cpu")
    memory_format = torch.channels_last if setup["channelsLast"] else torch.contiguous_format
    net = build(setup["model"], setup["classes"], setup["imageSize"]).to(device=device, memory_format=memory_format)
    size = setup["imageSize"]
    parameters = sum(p.numel() for p in net.parameters())
    images = torch.randn(setup["batchSize"], 3, size, size, device=device).to(memory_format=memory_format)
    targets = torch.full((setup["batchSize"], setup["classes"]), 1 / setup["classes"], device=device)
    low = {"bf16": torch.bfloat16, "fp16": torch.float16}.get(setup["precision"])
    cast = (lambda: torch.autocast(device, low)) if low else contextlib.nullcontext
    scaler = torch.amp.GradScaler(device, enabled=low is torch.float16)
    training = setup["pass"] == "train"
    net.train(training)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
    model = torch.compile(net) if setup["compile"] else net

    def step():
        optimizer.zero_grad(set_to_none=True)
        with cast():
            loss = torch.nn.functional.cross_entropy(model(images), targets)
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        return loss.item()

    def forward():
        with torch.inference_mode(), cast():
            return model(images).sum().item()

    return (step if training else forward), parameters


def peak_bytes():
    with open("/proc/self/status") as status:
        return next(1024 * int(line.split()[1]) for line in status if line.startswith("VmHWM"))


def answer(**message):
    print(json.dumps(message), flush=True)


def main():
    run = None
    for line in sys.stdin:
        message = json.loads(line)
        start = time.perf_counter()
        if run is None:
            run, parameters = prepare(message)
            run()
            answer(ready=True, seconds=time.perf_counter() - start, parameters=parameters)
        elif message.get("stop"):
            answer(peakBytes=peak_bytes())
            break
        else:
            for _ in range(message["run"]):
                run()
            answer(seconds=time.perf_counter() - start)


main()
