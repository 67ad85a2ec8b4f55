"""The zoo's nets as a PyTorch user has them: the ResNets for small images written by hand, all others from timm."""

from torch import nn

WIDE = dict(widths=(64, 128, 256, 512), stem=64)
SMALL = dict(widths=(16, 32, 64), stem=16)
ZOO = {
    "resnet14t": dict(block="basic", depths=(2, 2, 2), widths=(16, 48, 96), stem=16),
    "resnet20": dict(block="basic", depths=(3, 3, 3), **SMALL),
    "resnet32": dict(block="basic", depths=(5, 5, 5), **SMALL),
    "resnet56": dict(block="basic", depths=(9, 9, 9), **SMALL),
    "resnet18": dict(block="basic", depths=(2, 2, 2, 2), **WIDE),
    "resnet34": dict(block="basic", depths=(3, 4, 6, 3), **WIDE),
    "resnet50": dict(block="bottleneck", depths=(3, 4, 6, 3), **WIDE),
    "resnet101": dict(block="bottleneck", depths=(3, 4, 23, 3), **WIDE),
    "resnet152": dict(block="bottleneck", depths=(3, 8, 36, 3), **WIDE),
}


def conv(inputs, outputs, size, stride=1):
    return nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, bias=False)


class Block(nn.Module):
    def __init__(self, kind, inputs, width, stride):
        super().__init__()
        outputs = 4 * width if kind == "bottleneck" else width
        relu = nn.ReLU(inplace=True)
        if kind == "bottleneck":
            layers = [conv(inputs, width, 1), nn.BatchNorm2d(width), relu, conv(width, width, 3, stride)]
            layers += [nn.BatchNorm2d(width), relu, conv(width, outputs, 1), nn.BatchNorm2d(outputs)]
        else:
            layers = [conv(inputs, width, 3, stride), nn.BatchNorm2d(width), relu]
            layers += [conv(width, outputs, 3), nn.BatchNorm2d(outputs)]
        self.residual = nn.Sequential(*layers)
        self.shortcut = nn.Identity()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(conv(inputs, outputs, 1, stride), nn.BatchNorm2d(outputs))
        self.relu = relu

    def forward(self, x):
        return self.relu(self.residual(x) + self.shortcut(x))


def resnet(name, classes):
    """3x3 stem, no max-pooling, projection shortcuts."""
    net = ZOO[name]
    layers = [conv(3, net["stem"], 3), nn.BatchNorm2d(net["stem"]), nn.ReLU(inplace=True)]
    inputs = net["stem"]
    for stage, (depth, width) in enumerate(zip(net["depths"], net["widths"])):
        for block in range(depth):
            layers.append(Block(net["block"], inputs, width, 2 if stage and not block else 1))
            inputs = 4 * width if net["block"] == "bottleneck" else width
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, classes)]
    return nn.Sequential(*layers)


# Ours and timm's.
TIMM = {
    "efficientnet-lite0": "efficientnet_lite0",
    "efficientnet-lite2": "efficientnet_lite2",
    "mobilenetv2": "mobilenetv2_100",
    "mobilenetv3-small": "mobilenetv3_small_100",
    **{f"resnet{depth}-imagenet": f"resnet{depth}" for depth in (18, 34, 50, 101, 152)},
}


def build(name, classes=100, size=None):
    if name in ZOO:
        return resnet(name, classes)
    import timm

    name = TIMM.get(name, name.removeprefix("timm/"))
    if not timm.is_model(name):
        raise SystemExit(f"PyTorch has no {name} here")
    # Where patches have embeddings of their place their number is part of the net.
    sized = {"img_size": size} if size and name.startswith(("vit_", "deit", "swin")) else {}
    return timm.create_model(name, num_classes=classes, **sized)
