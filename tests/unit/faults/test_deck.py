# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the fault injector of others is told to let strike: in the end, every fault of every operation."""

from __future__ import annotations

import random

from ansible_collections.layerkit.ecr.tests.faults.injector import Deck, troubles_of

OPERATIONS = {"PutImage", "BatchGetImage"}


def test_every_error_of_the_model_is_a_fault() -> None:
    names = {trouble.name for trouble in troubles_of("PutImage")}
    assert {"ImageTagAlreadyExistsException", "KmsException", "LayersNotFoundException", "SlowDown", "reset"} <= names
    assert "ImageNotFoundException" not in {trouble.name for trouble in troubles_of("DescribeImages")}


def test_each_fault_is_dealt_until_it_has_struck() -> None:
    deck = Deck(OPERATIONS, random.Random(1))
    assert set(deck.left) == set(deck.every)
    for count in range(len(deck.every), 0, -1):
        first = deck.deal(OPERATIONS)[0]
        assert len(deck.left) == count
        deck.struck(first)
    assert deck.left == []
    assert len(deck.deal(OPERATIONS)) >= 1


def test_fault_that_did_not_strike_is_dealt_after_the_others() -> None:
    deck = Deck(OPERATIONS, random.Random(2))
    first = deck.deal(OPERATIONS)[0]
    deck.put_back(first)
    assert deck.left[-1] == first
    assert deck.deal(OPERATIONS)[0] != first


def test_only_faults_of_the_operations_of_the_task_are_dealt() -> None:
    deck = Deck(OPERATIONS, random.Random(3))
    for _deal in range(50):
        assert {trouble.operation for trouble in deck.deal({"PutImage"})} == {"PutImage"}
