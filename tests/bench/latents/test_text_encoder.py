"""The text encoder by path: the very class of transformers, and one line for what cannot be loaded."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from bench.latents.text_encoder import load_text_encoder
from bench.latents.text_weights import WEIGHTS, locate_text
from tests.bench.latents.tiny import save_autoencoder, save_text_encoder

MARKS = {"bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}
TEXTS = ["a cat", "", "a sentence that is far longer than eight tokens"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_text_encoder(tmp_path_factory.mktemp("text"))


def test_it_encodes_as_transformers_does(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from transformers import CLIPTextModel, CLIPTokenizer

    ours = load_text_encoder(folder)
    assert capfd.readouterr() == ("", ""), "no loading bars"
    assert (ours.tokens, ours.features) == (8, 16)
    ids = CLIPTokenizer.from_pretrained(folder)(
        TEXTS, padding="max_length", truncation=True, return_tensors="pt", max_length=8
    )
    expected = CLIPTextModel.from_pretrained(folder).eval()(input_ids=ids.input_ids).last_hidden_state
    contexts = ours(TEXTS)
    assert contexts.shape == (3, 8, 16)
    assert torch.allclose(contexts, expected, atol=1e-6)
    assert not torch.allclose(contexts[0], contexts[1])
    assert torch.allclose(ours(TEXTS[:1]), contexts[:1], atol=1e-6)


def test_a_pipelines_folder_and_a_flat_one_name_one_encoder(folder: Path, tmp_path: Path) -> None:
    for part in ("text_encoder", "tokenizer"):
        shutil.copytree(folder, tmp_path / part)
    assert locate_text(tmp_path).sha256 == locate_text(folder).sha256
    assert torch.equal(load_text_encoder(tmp_path)(TEXTS), load_text_encoder(folder)(TEXTS))
    assert locate_text(save_text_encoder(tmp_path / "b", seed=1)).sha256 != locate_text(folder).sha256


def test_a_whole_clip_model_is_taken_for_its_text_tower(folder: Path, tmp_path: Path) -> None:
    from transformers import CLIPConfig, CLIPModel, CLIPTextModel

    shutil.copytree(folder, tmp_path / "clip")
    text = CLIPTextModel.from_pretrained(folder)
    seen = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    both = CLIPModel(
        CLIPConfig(text_config=text.config.to_dict(), vision_config=seen | {"image_size": 8, "patch_size": 4})
    )
    weights = {name.removeprefix("text_model."): value for name, value in text.state_dict().items()}
    both.text_model.load_state_dict(weights)
    both.save_pretrained(tmp_path / "clip")
    assert locate_text(tmp_path / "clip").sha256 == locate_text(folder).sha256
    assert torch.equal(load_text_encoder(tmp_path / "clip")(TEXTS), load_text_encoder(folder)(TEXTS))


def _edit(folder: Path, **changes: object) -> None:
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda folder: shutil.rmtree(folder), "no text encoder at"),
        (lambda folder: (folder / WEIGHTS).unlink(), "it lacks model.safetensors"),
        (lambda folder: (folder / "tokenizer.json").unlink(), "no tokenizer in"),
        (lambda folder: (folder / "tokenizer.json").write_text("{"), "holds no CLIP tokenizer"),
        (lambda folder: (folder / "config.json").write_text("{"), "no JSON table"),
        (lambda folder: (folder / WEIGHTS).write_bytes(b"nothing of the kind"), "no safetensors file"),
        (lambda folder: _edit(folder, model_type="bert"), "expected a CLIP text encoder"),
        (lambda folder: _edit(folder, num_hidden_layers=3), "is missing or differs"),
        (lambda folder: _edit(folder, hidden_size=32), "no CLIP text encoder"),
        (lambda folder: save_text_encoder(folder, vocab_size=50, **MARKS), "do not belong together"),
    ],
)
def test_what_cannot_be_loaded_is_one_line(folder: Path, tmp_path: Path, damage, told: str) -> None:  # type: ignore[no-untyped-def]
    place = shutil.copytree(folder, tmp_path / "copy")
    damage(place)
    with pytest.raises(ValueError, match=told) as error:
        load_text_encoder(place)
    assert "\n" not in str(error.value)
    assert str(place) in str(error.value)


def test_an_autoencoder_is_no_text_encoder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"it lacks model.safetensors"):
        load_text_encoder(save_autoencoder(tmp_path))
