"""Five ordinary trainings that go well, with ordinary hyperparameters."""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

from tests.training.diagnosis.recorded_runs import Recorder


def shapes(n: int, generator: torch.Generator, classes: int = 8, size: int = 16):
    """Noisy pictures of stripes: the class is their direction; their phase is chance."""
    labels = torch.randint(classes, (n,), generator=generator)
    angle = labels * math.pi / classes
    phase = torch.rand(n, generator=generator) * 2 * math.pi
    y, x = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    along = x * angle.cos()[:, None, None] + y * angle.sin()[:, None, None]
    stripes = torch.sin(along * 1.2 + phase[:, None, None])
    noise = torch.randn(n, size, size, generator=generator)
    return (stripes + 0.7 * noise)[:, None], labels


class Residual(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(width)
        nn.init.zeros_(self.norm2.weight)  # as torchvision's zero_init_residual

    def forward(self, x):
        inner = self.norm1(self.conv1(x)).relu()
        return (x + self.norm2(self.conv2(inner))).relu()


def cnn() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(256, 8),
    )


def _batches(steps: int, seed: int, n: int = 512, size: int = 32):
    generator = torch.Generator().manual_seed(seed)
    pictures, labels = shapes(n, generator)
    done = 0
    while done < steps:
        for index in torch.randperm(n, generator=generator).split(size):
            if done < steps:
                yield pictures[index], labels[index]
            done += 1


def cnn_with_sgd(seed: int, steps: int = 300) -> Recorder:
    torch.manual_seed(seed)
    model = cnn()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=5e-4)
    recorder = Recorder(model, optimizer)
    for x, y in _batches(steps, seed):
        loss = functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        recorder.step(optimizer)
        recorder.log(loss=loss)
    return recorder


def residual_with_one_cycle(seed: int, steps: int = 300) -> Recorder:
    torch.manual_seed(seed)
    blocks = [Residual(12) for _ in range(3)]
    model = nn.Sequential(
        nn.Conv2d(1, 12, 3, stride=2, padding=1, bias=False),
        nn.BatchNorm2d(12),
        nn.ReLU(),
        *blocks,
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(12, 8),
    )
    optimizer = torch.optim.SGD(
        model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4, nesterov=True
    )
    recorder = Recorder(model, optimizer)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=steps)
    for x, y in _batches(steps, seed):
        loss = functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        recorder.step(optimizer)
        schedule.step()
        recorder.log(**{"train/loss": loss})
    return recorder


class Transformer(nn.Module):
    """Next-letter model: two pre-norm layers, learned positions, GPT-2's initialisation."""

    def __init__(self, letters: int, width: int = 48, length: int = 32) -> None:
        super().__init__()
        self.tokens = nn.Embedding(letters, width)
        self.positions = nn.Embedding(length, width)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width, 4, 4 * width, dropout=0.1, batch_first=True, norm_first=True
            )
            for _ in range(2)
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, letters, bias=False)
        for parameter in self.parameters():
            if parameter.ndim >= 2:
                nn.init.normal_(parameter, std=0.02)

    def forward(self, x):
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
        h = self.tokens(x) + self.positions(torch.arange(x.shape[1]))
        for layer in self.layers:
            h = layer(h, src_mask=mask, is_causal=True)
        return self.head(self.norm(h))


def transformer_with_warm_up_and_cosine(seed: int, steps: int = 300) -> Recorder:
    torch.manual_seed(seed)
    text = _text(seed)
    letters = sorted(set(text))
    ids = torch.tensor([letters.index(letter) for letter in text])
    model = Transformer(len(letters))
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.1)
    recorder = Recorder(model, optimizer)
    warm = steps // 10

    def factor(step: int) -> float:
        if step < warm:
            return step / warm
        return 0.5 * (1 + math.cos(math.pi * (step - warm) / (steps - warm)))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, factor)
    for _ in range(steps):
        starts = torch.randint(len(ids) - 33, (16,))
        rows = torch.stack([ids[s : s + 33] for s in starts])
        loss = functional.cross_entropy(model(rows[:, :-1]).flatten(0, 1), rows[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        recorder.step(optimizer)
        schedule.step()
        recorder.log(loss=loss)
    return recorder


def _text(seed: int, sentences: int = 600) -> str:
    generator = torch.Generator().manual_seed(seed)
    words = [
        ["the", "a", "one", "every"],
        ["tired", "small", "brave", "slow", "quiet"],
        ["model", "reader", "kernel", "widget", "dial"],
        ["turns", "sees", "finds", "learns", "keeps"],
        ["a loss", "the light", "its way", "no rest", "a word"],
    ]
    pick = [torch.randint(len(w), (sentences,), generator=generator).tolist() for w in words]
    rows = zip(*[[w[i] for i in p] for w, p in zip(words, pick, strict=True)], strict=True)
    return ". ".join(" ".join(row) for row in rows)


def gan(seed: int, steps: int = 300) -> Recorder:
    """DCGAN's recipe (Adam, 2e-4, beta1 0.5, non-saturating loss) on small pictures."""
    torch.manual_seed(seed)
    generator = nn.Sequential(
        nn.ConvTranspose2d(16, 32, 4, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.ConvTranspose2d(32, 16, 4, 2, 1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.ConvTranspose2d(16, 1, 4, 2, 1),
        nn.Tanh(),
    )
    critic = nn.Sequential(
        nn.Conv2d(1, 16, 4, 2, 1),
        nn.LeakyReLU(0.2),
        nn.Conv2d(16, 32, 4, 2, 1, bias=False),
        nn.BatchNorm2d(32),
        nn.LeakyReLU(0.2),
        nn.Conv2d(32, 1, 4),
        nn.Flatten(0),
    )
    for module in [*generator, *critic]:
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            nn.init.normal_(module.weight, 0.0, 0.02)
    of_critic = torch.optim.Adam(critic.parameters(), lr=2e-4, betas=(0.5, 0.999))
    of_generator = torch.optim.Adam(generator.parameters(), lr=2e-4, betas=(0.5, 0.999))
    networks = {"generator": generator, "critic": critic}
    recorder = Recorder(networks, [of_critic, of_generator])
    ones, zeros = torch.ones(32), torch.zeros(32)
    score = functional.binary_cross_entropy_with_logits
    for x, _ in _batches(steps, seed):
        fake = generator(torch.randn(32, 16, 1, 1))
        d_loss = score(critic(x.tanh()), ones) + score(critic(fake.detach()), zeros)
        of_critic.zero_grad()
        d_loss.backward()
        recorder.step(of_critic)
        g_loss = score(critic(fake), ones)
        of_generator.zero_grad()
        g_loss.backward()
        recorder.step(of_generator)
        recorder.log(d_loss=d_loss, g_loss=g_loss)
    return recorder


def amp(seed: int, steps: int = 300, dtype: torch.dtype = torch.bfloat16) -> Recorder:
    """Autocast in bfloat16, or in float16 with a scaler that begins too high, as they all do."""
    torch.manual_seed(seed)
    model = cnn()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    half = dtype == torch.float16
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**24) if half else None
    recorder = Recorder(model, optimizer, scaler)
    for x, y in _batches(steps, seed):
        with torch.autocast("cpu", dtype):
            loss = functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        (scaler.scale(loss) if scaler else loss).backward()
        recorder.step(optimizer)
        recorder.log(loss=loss)
    return recorder


def amp_in_float16(seed: int, steps: int = 300) -> Recorder:
    return amp(seed, steps, torch.float16)


RUNS = {
    "CNN + SGD": cnn_with_sgd,
    "residual net + OneCycle": residual_with_one_cycle,
    "transformer + warm-up and cosine": transformer_with_warm_up_and_cosine,
    "GAN": gan,
    "AMP in bfloat16": amp,
    "AMP in float16 with a scaler": amp_in_float16,
}
