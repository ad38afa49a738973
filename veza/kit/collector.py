"""Python's collector of garbage in processes that live long."""

import gc


def spare_what_is_loaded() -> None:
    """Call it when a process is ready. Modules, classes and models stay until its end; the
    collector looked at all of them every now and then, and everybody waited a tenth of a second.
    """
    gc.collect()
    gc.freeze()
