# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fuzzing: everything that parses what comes from outside, driven by atheris as OSS-Fuzz drives it.

Each ``fuzz_*.py`` is one target: ``TestOneInput`` gives bytes to one parser, and fails for anything but a failure that
the task words. ``corpus/`` has its seeds and what it found. ``make test`` replays these without atheris.
"""
