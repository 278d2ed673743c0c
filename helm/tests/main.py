"""Runs the tests, prints a line for each and a summary."""

import sys
import time
import traceback

import chart
import common
import containers
import pipeline
import rollout

# Of what a failed test says.
LINES_MAX = 30


def main():
    words = sys.argv[1:]
    passed, failed, skipped = 0, 0, 0
    started = time.monotonic()
    for module in (chart, rollout, containers, pipeline):
        for name, test in module.tests():
            if not all(word in name for word in words):
                continue
            try:
                test()
            except common.Skip as why:
                skipped += 1
                print(f"skipped  {name}: {why}")
            except AssertionError as fault:
                failed += 1
                print("\n         ".join([f"FAILED   {name}", *str(fault).splitlines()[-LINES_MAX:]]))
            except Exception:
                failed += 1
                print(f"FAILED   {name}\n{traceback.format_exc()}")
            else:
                passed += 1
                print(f"ok       {name}")
            sys.stdout.flush()
    if passed + failed + skipped == 0:
        sys.exit(f"no test has {' and '.join(words)} in its name")
    print(f"took {time.monotonic() - started:.0f} s" + (f", {skipped} skipped" if skipped else ""))
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
