"""Measurements on a CPU: every mode and switch, failures as rows, taking turns."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bench.machine.attention_kernel import with_measured_attention
from bench.profile.measure import bare_record, measure
from bench.profile.peaks import Peak
from bench.profile.setting import Setting, all_settings
from bench.profile.timing import Rounds
from bench.profile.workload import make_workload
from bench.sampling import sample_images
from bench.training.network import prepare_network
from results.profile import ProfileRecord
from tests.bench.profile.subjects import QUICK, setting, subject
from variants import FAMILIES, Family, ModelConfig, build


def one(mode: str = "forward", variant: str = "uvit-micro/4", data: Any = None, **changes: Any) -> ProfileRecord:
    [record] = measure([subject(variant, **(data or {}))], setting(mode, **changes), protocol=QUICK)
    return record


@pytest.mark.parametrize("mode", ["forward", "train", "sample"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_every_mode_is_measured(mode: str, dtype: str) -> None:
    record = one(mode, dtype=dtype)
    assert (record.status, record.error, record.mode, record.dtype) == ("ok", None, mode, dtype)
    assert len(record.rounds) == 3
    assert record.timing["p10_s"] <= record.timing["median_s"] <= record.timing["p90_s"]
    assert record.timing["imgs_per_s"] == pytest.approx(2 / record.timing["median_s"])
    macs = {"forward": record.counts["macs"], "train": record.counts["train_macs"]["macs"]}
    macs["sample"] = 2 * macs["forward"]
    assert record.efficiency["flops_per_s"] == pytest.approx(2 * macs[mode] * record.timing["imgs_per_s"])
    assert record.efficiency["mfu"] is None or torch.cuda.is_available()
    assert record.provenance["versions"]["torch"]


def test_float16_serves_forward_and_sample_but_not_training() -> None:
    assert one("forward", dtype="float16").ok
    refused = one("train", dtype="float16")
    assert (refused.status, refused.rounds) == ("error", [])
    assert refused.error is not None
    assert "use bfloat16" in refused.error


@pytest.mark.parametrize("data", [{"num_classes": 10, "null_label": True}, {"context_tokens": 3, "context_dim": 5}])
def test_conditional_networks(data: dict[str, int]) -> None:
    assert one("forward", data=data).ok
    assert one("sample", data=data).ok
    trained = one("train", data=data)
    refused = "uvit's training step takes no context tokens yet: profile forward or sample"
    assert trained.error == (None if "num_classes" in data else refused)


def test_state_is_what_training_holds() -> None:
    record = one("train")
    weights = 4 * record.counts["params"]
    split = record.memory["state_split"]
    assert split["parameters"] == split["gradients"] == split["ema"] == weights
    assert 2 * weights <= split["optimizer"] < 2.1 * weights
    assert record.memory["state"] == sum(split.values())
    assert one("forward").memory["state"] == weights


def test_checkpointing_trades_time_for_activations() -> None:
    plain, checkpointed = (one("train", batch_size=16, gradient_checkpointing=on) for on in (False, True))
    assert checkpointed.memory["activations"] < plain.memory["activations"] / 3
    assert checkpointed.setting["gradient_checkpointing"] is True
    assert plain.profile_id != checkpointed.profile_id
    assert plain.memory["activations"] > 16 * 4 * 5 * 64  # a float for every token's feature of every block, at least


def test_out_of_memory_is_a_row_and_the_next_starts_clean() -> None:
    too_large = one("train", batch_size=10**9)
    assert too_large.status == "oom"
    assert too_large.error is not None
    assert "allocate" in too_large.error
    assert (too_large.rounds, too_large.timing, too_large.efficiency) == ([], {}, {})
    assert too_large.counts["macs"] > 0
    assert one("train").ok


def test_training_in_pieces_is_out_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    # a batch that just does not fit makes the training step halve it silently; no test machine can be brought to that
    from bench.training.step import TrainState

    whole = TrainState._accumulate

    def tight(self: TrainState, *args: Any) -> Any:
        if self.micro_batch > 2:
            raise torch.OutOfMemoryError("planted")
        return whole(self, *args)

    monkeypatch.setattr(TrainState, "_accumulate", tight)
    record = one("train", batch_size=8)
    assert record.status == "oom"
    assert record.error == "OutOfMemoryError: does not fit at once; it would train in pieces of 2"


def test_cuda_graphs_say_that_they_need_a_gpu() -> None:
    record = one("forward", cuda_graphs=True)
    assert (record.status, record.error) == ("error", "CUDA graphs need a CUDA GPU; this ran on cpu")


def test_data_parallel_training_is_no_cuda_graph() -> None:
    alone = setting("train", device="cuda:0", cuda_graphs=True)
    alone.check(subject().config)
    assert alone.runtime.cuda_graphs
    assert not setting("sample", device="cuda:0", cuda_graphs=True).runtime.cuda_graphs, "it captures the network alone"
    with pytest.raises(ValueError, match="leave --cuda-graphs out"):
        setting("train", device="cuda:0", cuda_graphs=True, world_size=2).check(subject().config)


def test_channels_last_is_measured() -> None:
    for mode in ("forward", "train", "sample"):
        record = one(mode, "uvit-micro/4+patch_embed=conv_stack", channels_last=True)
        assert record.ok, record.error
        assert record.setting["channels_last"] is True


def test_compiled_networks_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[tuple[int, int]] = []  # graphs before and after each round

    def noted(self: Rounds) -> None:
        before = _graphs()
        measure_round(self)
        compiled.append((before, _graphs()))

    before, measure_round = _graphs(), Rounds.measure
    monkeypatch.setattr(Rounds, "measure", noted)
    record = one("forward", "uvit-micro/4+depth=3", compile=True)
    assert record.ok, record.error
    assert compiled == [(before + 1, before + 1)] * 3, "the compilation is no round"


def _graphs() -> int:
    return int(torch._dynamo.utils.counters["stats"]["unique_graphs"])


def test_the_suite_compiles_and_prepares_the_network(monkeypatch: pytest.MonkeyPatch) -> None:
    compiled: list[nn.Module] = []

    def noted(network: nn.Module) -> nn.Module:
        compiled.append(network)
        return network

    monkeypatch.setattr("bench.training.step.compiled", noted)
    monkeypatch.setattr("bench.profile.workload.compiled", noted)
    for mode in ("forward", "train", "sample"):
        assert one(mode, compile=True).ok
    assert [network.training for network in compiled] == [False, True, False]


def test_sampling_computes_what_the_suite_samples() -> None:
    chosen = setting("sample", dtype="bfloat16")
    network = prepare_network(build(subject().config), chosen.runtime).eval()
    images = sample_images(
        network, count=2, shape=(3, 8, 8), seed=0, sampler="dpm_solver", nfe=2, runtime=chosen.runtime
    )
    assert torch.equal(make_workload(subject().config, chosen).call(), images)


def test_the_attention_kernel_is_the_one_that_training_takes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("UVIT_CACHE", str(tmp_path))
    faster = with_measured_attention(setting("train").runtime, [subject().config]).attention
    record = one("train", attention="")
    assert record.setting["attention"] == faster
    key, seconds = json.loads((tmp_path / "attention.json").read_text()).popitem()
    other = {"plain": "fused", "fused": "plain"}[faster]
    (tmp_path / "attention.json").write_text(json.dumps({key: seconds | {other: min(seconds.values()) / 100}}))
    again = one("train", attention="")
    assert (again.setting["attention"], again.profile_id) == (other, record.profile_id)


def test_variants_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[int] = []
    real = Rounds.measure

    def noted(self: Rounds) -> None:
        order.append(id(self))
        real(self)

    monkeypatch.setattr(Rounds, "measure", noted)
    records = measure([subject(), subject("uvit-micro/4+skip=none")], setting(), protocol=QUICK)
    assert [record.variant for record in records] == ["uvit-micro/4", "uvit-micro/4+skip=none"]
    assert order[0] != order[1]
    assert order == order[:2] * 3
    assert [record.protocol["taking_turns"] for record in records] == [2, 2]


class OnNoDevice(nn.Module):
    """A network that counts on the meta device and fails on any real one."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.conv = nn.Conv2d(config.channels, config.channels, 1)

    def forward(self, x: Tensor, timesteps: Tensor, y: Tensor | None = None, context: Tensor | None = None) -> Tensor:
        if x.device.type != "meta":
            raise RuntimeError("no kernel\nfor this")
        return self.conv(x)


def test_one_failed_variant_leaves_the_others_their_turns() -> None:
    FAMILIES.register("on_no_device", Family(name="on_no_device", about="", build=OnNoDevice))
    broken = replace(subject(), config=replace(subject().config, family="on_no_device"))
    try:
        bad, good = measure([broken, subject()], setting(), protocol=QUICK)
        [refused] = measure([broken], setting("train", gradient_checkpointing=True), protocol=QUICK)
    finally:
        FAMILIES._entries.pop("on_no_device")
    assert (bad.status, bad.error, bad.rounds) == ("error", "RuntimeError: no kernel for this", [])
    assert bad.counts["differs"]["fvcore"] == "fvcore failed: RuntimeError: no kernel for this"
    assert (good.status, len(good.rounds)) == ("ok", 3)
    assert refused.error == "OnNoDevice has no gradient checkpointing; leave --gradient-checkpointing out"


def test_mfu_of_a_measured_peak() -> None:
    [record] = measure([subject()], setting(), protocol=QUICK, measured=Peak(flops_per_s=1e12, source="here"))
    assert record.efficiency["mfu_measured_peak"] == pytest.approx(record.efficiency["flops_per_s"] / 1e12)
    assert record.efficiency["measured_peak_source"] == "here"


def test_the_id_names_variant_network_and_setting() -> None:
    plain = bare_record(subject(), setting()).profile_id
    assert one(variant="uvit-micro/2+patch=4").profile_id == one().profile_id == plain
    others = [(subject(), setting(batch_size=3)), (subject(), setting("sample")), (subject(), setting(compile=True))]
    others += [(subject(image_size=12), setting()), (subject("uvit-micro/4+skip=none"), setting())]
    assert len({plain, *(bare_record(*what).profile_id for what in others)}) == 6


def test_settings_are_plain_and_each_switch_alone() -> None:
    made = all_settings(
        modes=["forward", "train", "sample"],
        dtypes=["float32"],
        batch_sizes=[1, 2],
        switches=["channels_last", "gradient_checkpointing"],
        sampler="ddim",
        nfe=7,
        base=Setting(mode="forward", threads=1),
    )
    assert [(s.mode, s.batch_size, *s.switches) for s in made] == [
        ("forward", 1),
        ("forward", 1, "channels_last"),
        ("forward", 2),
        ("forward", 2, "channels_last"),
        ("train", 1),
        ("train", 1, "channels_last"),
        ("train", 1, "gradient_checkpointing"),
        ("train", 2),
        ("train", 2, "channels_last"),
        ("train", 2, "gradient_checkpointing"),
        ("sample", 1),
        ("sample", 1, "channels_last"),
        ("sample", 2),
        ("sample", 2, "channels_last"),
    ]
    assert {(s.sampler, s.nfe) for s in made if s.mode == "sample"} == {("ddim", 7)}
    assert {(s.sampler, s.nfe) for s in made if s.mode != "sample"} == {("", 0)}
