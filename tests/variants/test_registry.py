from __future__ import annotations

import pytest

from variants import Registry


def test_holds_what_was_registered_in_order() -> None:
    registry: Registry[int] = Registry("thing")
    registry.register("b", 2)
    registry.register("a", 1)
    assert registry.get("a") == 1
    assert registry.names() == list(registry) == ["b", "a"]
    assert registry.items() == [("b", 2), ("a", 1)]
    assert "a" in registry and "c" not in registry and len(registry) == 2


def test_a_duplicate_raises() -> None:
    registry: Registry[int] = Registry("thing")
    registry.register("a", 1)
    with pytest.raises(ValueError, match="thing 'a' is already registered"):
        registry.register("a", 2)
    assert registry.get("a") == 1


def test_an_unknown_name_suggests_the_nearest_and_lists_the_rest() -> None:
    registry: Registry[int] = Registry("sampler")
    for name in ("euler", "ddim"):
        registry.register(name, 0)
    with pytest.raises(ValueError) as error:
        registry.get("eular")
    assert str(error.value) == "unknown sampler 'eular'; did you mean 'euler'? known: euler, ddim"
    with pytest.raises(ValueError, match="unknown sampler 'zzz'; known: euler, ddim"):
        registry.get("zzz")


def test_discovery_runs_once_at_first_use_and_again_after_a_failure() -> None:
    calls = []

    def discover() -> None:
        calls.append(1)
        if len(calls) == 1:
            raise ValueError("not yet")
        registry.register("found", 1)

    registry: Registry[int] = Registry("thing", discover=(discover,))
    assert not calls
    with pytest.raises(ValueError, match="not yet"):
        registry.names()
    assert registry.names() == registry.names() == ["found"]
    assert len(calls) == 2
