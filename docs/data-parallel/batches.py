"""Where batches come from; whoever asks for a share of one gets the same, however many processes there are."""

from pathlib import Path

import numpy as np
from safetensors import safe_open

FILES = {
    "cifar100": ["train.bin"],
    "cifar10": [f"data_batch_{i}.bin" for i in range(1, 6)],
}
LABEL_BYTES = {"cifar100": 2, "cifar10": 1}
PIXELS = 3 * 32 * 32


class CifarBatches:
    """Shuffled batches of CIFAR's binary version, cropped and flipped as the run's config.json says."""

    def __init__(self, folder, config, shares):
        dataset = config["dataset"]
        if dataset not in FILES:
            raise SystemExit(f"error: the run is on {dataset}; this script reads {' and '.join(FILES)}")
        unknown = [key for key in ("classWeights", "resizedCrop", "colorJitter") if config.get(key)]
        if unknown:
            raise SystemExit(f"error: the run has {', '.join(unknown)}, which this script does not do; give --batches")
        try:
            records = [np.fromfile(Path(folder) / name, np.uint8) for name in FILES[dataset]]
            records = np.concatenate(records).reshape(-1, LABEL_BYTES[dataset] + PIXELS)
        except (OSError, ValueError) as error:
            raise SystemExit(f"error: cannot read {dataset} in {folder}: {error}; give its binary version")
        records = records[: config["trainImages"]]
        self.labels = records[:, LABEL_BYTES[dataset] - 1]
        self.images = records[:, LABEL_BYTES[dataset] :].reshape(-1, 3, 32, 32)
        self.config, self.shares = config, shares
        self.share_size = config["batchSize"] // shares
        self.steps_per_epoch = len(self.images) // config["batchSize"]
        if len(self.images) < config["trainImages"]:
            raise SystemExit(f"error: {folder} has {len(self.images)} images, the run {config['trainImages']}")
        normalization = config["normalization"]
        self.mean, self.std = (
            np.float32(normalization[key]).reshape(1, 3, 1, 1) for key in ("mean", "std")
        )

    def share(self, step, share):
        """Images [share size, 3, 32, 32], normalised, and target distributions [share size, classes]."""
        epoch, batch = divmod(step, self.steps_per_epoch)
        seed = self.config["seed"]
        order = np.random.default_rng((seed, epoch)).permutation(len(self.images))
        start = batch * self.config["batchSize"] + share * self.share_size
        chosen = order[start : start + self.share_size]
        random = np.random.default_rng((seed, epoch, batch, share))
        images = np.stack([self._augment(image, random) for image in self.images[chosen]])
        images = (images.astype(np.float32) / 255 - self.mean) / self.std
        classes, smoothing = len(self.config["labels"]), self.config["labelSmoothing"]
        targets = np.full((self.share_size, classes), smoothing / classes, np.float32)
        targets[np.arange(self.share_size), self.labels[chosen]] += 1 - smoothing
        return images, targets

    def _augment(self, image, random):
        crop = self.config["crop"]
        if crop > 0:
            padded = np.pad(image, ((0, 0), (crop, crop), (crop, crop)))
            top, left = random.integers(0, 2 * crop + 1, 2)
            image = padded[:, top : top + 32, left : left + 32]
        if self.config["flip"] and random.random() < 0.5:
            image = image[:, :, ::-1]
        return image


class BatchFile:
    """Batches made by another program: `images` [steps, batch, 3, H, W] and `targets` [steps, batch, classes]."""

    def __init__(self, path, batch_size, shares):
        try:
            with safe_open(path, "numpy") as file:
                self.images, self.targets = file.get_tensor("images"), file.get_tensor("targets")
        except Exception as error:
            raise SystemExit(f"error: cannot read batches from {path}: {error}")
        if self.images.shape[1] != batch_size:
            raise SystemExit(f"error: {path} has batches of {self.images.shape[1]}, not of {batch_size}")
        self.share_size = batch_size // shares

    def __len__(self):
        return len(self.images)

    def share(self, step, share):
        rows = slice(share * self.share_size, (share + 1) * self.share_size)
        return self.images[step, rows], self.targets[step, rows]
