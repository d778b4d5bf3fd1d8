"""``uvit encode``, and training, scoring and drawing on its latents, as a user meets them."""

import json
from pathlib import Path

import numpy as np
import pytest

import cli
from bench.latents.encode import EncodingTask, encode_dataset
from tests.bench.data.trees import coco
from tests.bench.latents.tiny import save_autoencoder, save_text_encoder

GRID = 'question = "Q?"\nbaseline = "concat"\n[axes]\nskip = ["concat", "none"]\n'


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("latents")
    save_autoencoder(folder / "autoencoder")
    pixels = np.random.default_rng(0).integers(0, 256, (160, 16, 16, 3), dtype=np.uint8)
    np.savez(folder / "images.npz", images=pixels)
    coco(folder / "data" / "coco", train=40, val=6)
    save_text_encoder(folder / "clip")
    (folder / "pair.toml").write_text(GRID)
    dataset, autoencoder = f"npz:{folder / 'images.npz'}", str(folder / "autoencoder")
    encode_dataset(
        EncodingTask(dataset=dataset, autoencoder=autoencoder, out=folder / "silent", device="cpu", batch=64)
    )
    return folder


def _encode(*more: str) -> list[str]:
    return ["encode", "npz:images.npz", "--autoencoder", "autoencoder", "--out", "z", "--device", "cpu", *more]


def _run(folder: str, out: str, *settings: str) -> list[str]:
    smoke = ["--budget", "smoke", "--threads", "1", "--jobs", "1"]
    chosen = [part for setting in ("evaluation.metrics=frechet", *settings) for part in ("--set", setting)]
    return ["run", "pair.toml", "--dataset", f"latents:{folder}", "--out", out, *smoke, *chosen]


def test_encode_run_and_sample(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(place)
    assert cli.main(_encode("--flips", "--batch", "32")) == 0
    told = capsys.readouterr().out.splitlines()
    assert told == ["160 images as latents of 4x8x8 in z", "train on them with --dataset latents:z"]
    assert np.load("z/train_mirrored.npy", mmap_mode="r").shape == (144, 8, 8, 8)
    assert cli.main(_encode("--flips")) == 0
    assert "already encoded" in capsys.readouterr().out
    assert cli.main(["plan", "pair.toml", "--dataset", "latents:z", "--budget", "smoke", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["cells"]) == 2
    assert cli.main(_run("z", "out")) == 0
    capsys.readouterr()
    records = [json.loads(path.read_text()) for path in Path("out/records").iterdir()]
    assert {record["status"] for record in records} == {"ok"}
    assert all(any(score["metric"] == "fd_effnet_lite0_16" for score in record["scores"]) for record in records)
    cell = str(next(Path("out/checkpoints").iterdir()))
    Path("autoencoder").rename("moved")
    try:
        draw = ["sample", cell, "--count", "2", "--nfe", "2", "--device", "cpu"]
        assert cli.main([*draw, "--out", "pngs", "--autoencoder", "moved"]) == 0
        assert sorted(path.name for path in Path("pngs").iterdir()) == ["000000.png", "000001.png"]
        capsys.readouterr()
        assert cli.main([*draw, "--out", "more"]) == 2
        assert "need their autoencoder" in capsys.readouterr().err
    finally:
        Path("moved").rename("autoencoder")


def test_encode_captions_run_and_sample_prompts(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(place)
    encode = ["encode", "coco", "--data-dir", "data", "--image-size", "16", "--autoencoder", "autoencoder"]
    assert cli.main([*encode, "--text-encoder", "clip", "--out", "t", "--device", "cpu"]) == 0
    text = ["training.condition=text", "training.p_uncond=0.1", "training.process=sd", "evaluation.guidance=1"]
    small = ["evaluation.reference_count=0", "evaluation.samples=4"]
    assert cli.main(_run("t", "out-t", *text, *small)) == 0
    cell = str(next(Path("out-t/checkpoints").iterdir()))
    capsys.readouterr()
    draw = ["sample", cell, "--count", "2", "--nfe", "2", "--device", "cpu"]
    prompts = ["--prompt", "a green train", "--prompt", "a cat", "--guidance", "1", "--text-encoder", "clip"]
    assert cli.main([*draw, *prompts, "--out", "texts.npz"]) == 0
    assert np.load("texts.npz")["images"].shape == (2, 16, 16, 3)
    capsys.readouterr()
    assert cli.main([*draw, "--out", "silent.npz"]) == 2
    assert "give --prompt" in capsys.readouterr().err
    assert (
        cli.main(["cka", cell, "--images", "6", "--batch", "6", "--t", "0.5", "--out", "cka", "--device", "cpu"]) == 0
    )
    assert cli.main(["cka", cell, "--dataset", "latents:silent", "--out", "cka", "--device", "cpu"]) == 2
    assert "has no encoded captions" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "told"),
    [
        (["encode", "npz:images.npz", "--autoencoder", "nowhere", "--out", "y"], "no autoencoder at"),
        (["encode", "npz:nowhere.npz", "--autoencoder", "autoencoder", "--out", "y"], "is not there"),
        (["encode", "nothing", "--autoencoder", "autoencoder", "--out", "y"], "nothing"),
        (["encode", "npz:images.npz", "--autoencoder", "autoencoder", "--out", "images.npz"], "holds no latents"),
        (["encode", "npz:images.npz", "--out", "y"], "--autoencoder"),
        (
            ["encode", "npz:images.npz", "--autoencoder", "autoencoder", "--text-encoder", "clip", "--out", "y"],
            "has no captions",
        ),
        (
            ["run", "pair.toml", "--dataset", "latents:silent", "--set", "training.condition=text", "--out", "y"],
            "has no encoded captions",
        ),
        (
            ["run", "pair.toml", "--dataset", "latents:nowhere", "--budget", "smoke", "--out", "y"],
            "no folder of latents",
        ),
        (["run", "pair.toml", "--dataset", "latents", "--budget", "smoke", "--out", "y"], "write latents:PATH"),
        (["score", "latents:nowhere:train", "images.npz"], "no folder of latents"),
    ],
)
def test_wrong_requests_are_one_line_and_exit_2(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: list[str], told: str
) -> None:
    monkeypatch.chdir(place)
    assert cli.main(command) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert told in lines[0]
    assert not Path("y").exists()
