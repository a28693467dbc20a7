# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Benchmarks: the time and memory of a push, a download and a copy, compared with other ways.

``make bench`` runs everything and writes ``docs/benchmarks.md`` with its plots; ``python -m
ansible_collections.layerkit.ecr.tests.benchmarks --help`` shows how to run a part of it. All clients push to the sink
(``sink.py``), a registry that discards layers, or read the layers of one image from it, which it sends from files, so
that the figures are those of the client.
"""
