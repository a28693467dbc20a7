# Copyright (c) 2026 layerkit.ecr contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the strict ECR server until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import signal

from .server import serve


def main() -> None:
    """Serve until a signal arrives."""
    parser = argparse.ArgumentParser(prog="strict_ecr", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="the port on 127.0.0.1; 0, the default, for a free port")
    port = parser.parse_args().port
    ending = {signal.SIGTERM, signal.SIGINT}
    # Blocked before the server starts its threads, so that none of them receives the signal.
    signal.pthread_sigmask(signal.SIG_BLOCK, ending)
    with serve(port) as server:
        print(f"strict ECR on {server.url}", flush=True)
        signal.sigwait(ending)


if __name__ == "__main__":
    main()
