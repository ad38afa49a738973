"""The fault rig: the product as it runs, broken on purpose, and judged by what clients saw.

    ledger     what was attempted, and what became of each attempt as far as its caller knows
    history    what the log holds and what each client saw
    checks     what is wrong with a history; `sabotages` are what each check must catch
    proxy      every link between two processes, which can be slowed, held up and cut
    programs   processes with pid, port and log; `system` is all of them together
    watchers   clients that come back with the last that they saw, over SSE and WebSocket
    load       facts through the API, and by a program of its own (`publisher`)
    nemesis    draws faults from a printed seed, and heals them
    leaks      what must be back to where it was before

`VEZA_FAULTS=small|medium|large` says how long and how hard (see `sizes`).
"""
