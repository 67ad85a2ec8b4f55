"""
Trains a step graph with torch.distributed: each process works through its shares of every batch, gradients and
running statistics are averaged over all, and each applies the same update. Start it with torchrun:

    torchrun --nproc-per-node 2 docs/data-parallel/train.py DIR --data CIFAR100_DIR
"""

import argparse
import os
import time

import numpy as np
import onnxruntime as ort
import torch
import torch.distributed as dist

from batches import BatchFile, CifarBatches
from step_graph import StepGraph


def main():
    options = parse_options()
    local_rank = int(os.environ.get("LOCAL_RANK", "0"))
    on_gpu = "CUDAExecutionProvider" in ort.get_available_providers() and torch.cuda.is_available()
    if on_gpu:
        torch.cuda.set_device(local_rank)
        providers = [("CUDAExecutionProvider", {"device_id": local_rank}), "CPUExecutionProvider"]
    else:
        providers = ["CPUExecutionProvider"]
    dist.init_process_group("nccl" if on_gpu else "gloo")
    try:
        train(options, StepGraph(options.run, providers, options.threads), "cuda" if on_gpu else "cpu")
    finally:
        dist.destroy_process_group()


def train(options, graph, device):
    rank, world = dist.get_rank(), dist.get_world_size()
    shares = graph.about["shares"]
    if shares % world != 0:
        raise SystemExit(
            f"error: {world} processes cannot work through {shares} shares equally; "
            f"write the run with npm run step-graph -- --processes {world}"
        )
    mine = range(rank * shares // world, (rank + 1) * shares // world)
    if options.batches:
        source = BatchFile(options.batches, graph.config["batchSize"], shares)
        steps = min(len(source), graph.total_steps)
    else:
        source = CifarBatches(options.data, graph.config, shares)
        steps = graph.total_steps
    if options.steps is not None:
        steps = min(steps, options.steps)
    synchronize(graph, device)
    if rank == 0 and graph.steps >= steps:
        print(f"{graph.path} is at step {graph.steps} of {steps} already")

    parameters = len(graph.state["parameters"])
    every = graph.about["stepsPerEpoch"]
    start, first = time.perf_counter(), graph.steps
    while graph.steps < steps:
        # One vector, so that a step takes one all-reduce: gradient, running statistics, loss.
        total = None
        for share in mine:
            loss, gradient, buffers = graph.gradient(*source.share(graph.steps, share))
            part = np.concatenate([gradient, buffers, loss.reshape(1)]) / np.float32(shares)
            total = part if total is None else total + part
        mean = all_reduce(total, device)
        if not np.isfinite(mean[-1]):
            raise SystemExit(f"error: the loss became {mean[-1]} in step {graph.steps + 1}; lower --lr")
        graph.update(mean[:parameters], mean[parameters:-1])
        if rank == 0 and (graph.steps % 50 == 0 or graph.steps == steps):
            rate = (graph.steps - first) * graph.config["batchSize"] / (time.perf_counter() - start)
            print(f"step {graph.steps}/{steps}  loss {mean[-1]:.4f}  {rate:.0f} images/s", flush=True)
        if rank == 0 and (graph.steps % every == 0 or graph.steps == steps):
            graph.save()


def all_reduce(vector, device):
    """The sum of a vector over all processes."""
    tensor = torch.from_numpy(vector).to(device)
    dist.all_reduce(tensor)
    return tensor.cpu().numpy()


def synchronize(graph, device):
    """All processes start from the state of the first, as in DistributedDataParallel."""
    for name, vector in graph.state.items():
        tensor = torch.from_numpy(vector).to(device)
        dist.broadcast(tensor, 0)
        graph.state[name] = tensor.cpu().numpy()
    steps = torch.tensor([graph.steps], device=device)
    dist.broadcast(steps, 0)
    graph.steps = int(steps)


def parse_options():
    parser = argparse.ArgumentParser(description="Trains a run that npm run step-graph has written.")
    parser.add_argument("run", help="the run's directory; its last.safetensors is gone on from and written")
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument("--data", metavar="DIR", help="the binary version of CIFAR-100 or CIFAR-10")
    source.add_argument("--batches", metavar="FILE", help="batches made by another program, .safetensors")
    parser.add_argument("--steps", type=int, help="stop after this step of the run")
    parser.add_argument("--threads", type=int, default=default_threads(), help="onnxruntime threads a process")
    return parser.parse_args()


def default_threads():
    """The machine's cores, shared out to its processes."""
    return max(1, (os.cpu_count() or 1) // int(os.environ.get("LOCAL_WORLD_SIZE", "1")))


if __name__ == "__main__":
    main()
