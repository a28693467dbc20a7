# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Make the images in a directory, which must be empty or absent, and print them as JSON."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

from .catalogue import make_images


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="real_images", description=__doc__)
    parser.add_argument("directory", type=Path)
    images = make_images(parser.parse_args().directory)
    print(json.dumps({name: dataclasses.asdict(image) for name, image in images.items()}, indent=2))


if __name__ == "__main__":
    main()
