"""
The other way: weights go to PyTorch's own DistributedDataParallel as safetensors and come back as such.

    torchrun --nproc-per-node 2 docs/data-parallel/pytorch_ddp.py --model resnet18 \
        --weights DIR/last.safetensors --batches batches.safetensors --batch-size 64 --out trained.safetensors
"""

import argparse
import os

import torch
import torch.distributed as dist
import torchvision
from safetensors.torch import load_file, save_file
from torch.nn.parallel import DistributedDataParallel

from batches import BatchFile


def build(name, classes):
    """torchvision's net with the stem that the zoo has for small images: 3x3, stride 1, no max-pooling."""
    model = torchvision.models.get_model(name, num_classes=classes)
    model.conv1 = torch.nn.Conv2d(3, 64, 3, padding=1, bias=False)
    model.maxpool = torch.nn.Identity()
    return model


def main():
    options = parse_options()
    on_gpu = torch.cuda.is_available()
    dist.init_process_group("nccl" if on_gpu else "gloo")
    try:
        train(options, torch.device("cuda", int(os.environ["LOCAL_RANK"])) if on_gpu else torch.device("cpu"))
    finally:
        dist.destroy_process_group()


def train(options, device):
    rank, world = dist.get_rank(), dist.get_world_size()
    # A checkpoint of ours also has the optimiser's state.
    weights = {k: v for k, v in load_file(options.weights).items() if not k.startswith(("optimizer.", "ema."))}
    model = build(options.model, len(weights["fc.bias"]))
    model.load_state_dict(weights)
    model = DistributedDataParallel(model.to(device))
    optimizer = torch.optim.SGD(
        model.parameters(), options.lr, options.momentum, weight_decay=options.weight_decay
    )
    source = BatchFile(options.batches, options.batch_size, world)
    for step in range(len(source)):
        images, targets = (torch.from_numpy(part).to(device) for part in source.share(step, rank))
        loss = torch.nn.functional.cross_entropy(model(images), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if rank == 0:
        state = {k: v.cpu() for k, v in model.module.state_dict().items() if not k.endswith("num_batches_tracked")}
        save_file(state, options.out, {"format": "pt"})


def parse_options():
    parser = argparse.ArgumentParser(description="Trains weights of ours with PyTorch DDP.")
    parser.add_argument("--model", required=True, help="torchvision's name, e.g. resnet18")
    parser.add_argument("--weights", required=True, help="a .safetensors file to start from")
    parser.add_argument("--batches", required=True, help="batches, .safetensors")
    parser.add_argument("--batch-size", type=int, required=True, help="images a step, over all processes")
    parser.add_argument("--out", required=True, help="the .safetensors file to write")
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--momentum", type=float, default=0.9)
    parser.add_argument("--weight-decay", type=float, default=5e-4)
    return parser.parse_args()


if __name__ == "__main__":
    main()
