# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a push costs, side by side with the other ways to push.

``make bench`` runs everything and writes ``docs/benchmarks.md`` with its plots; ``python -m
ansible_collections.layerkit.ecr.tests.benchmarks --help`` tells how to run a part of it. All clients talk to the sink
(``sink.py``), a registry that keeps nothing, so that the client is what is measured.
"""
