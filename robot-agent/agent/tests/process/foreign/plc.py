"""A PLC by pymodbus with two doors of its own make: D1 on a coil and discrete inputs, D2 on words."""

import asyncio
import time

from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

TRAVEL_S = 0.4


class Door:
    """Half open is 0.5."""

    def __init__(self):
        self.openness, self.goal, self.at = 0.0, 0.0, time.monotonic()

    def status(self):
        """Bit 0: wide open; bit 1: shut; bit 2: moving."""
        now = time.monotonic()
        reach = (now - self.at) / TRAVEL_S
        self.at = now
        away = self.goal - self.openness
        self.openness += max(-reach, min(reach, away))
        return (self.openness == 1.0) | (self.openness == 0.0) << 1 | (self.openness != self.goal) << 2


DOORS = Door(), Door()


async def on_access(function, _start, address, _count, registers, values):
    """Called at each read and write, before it is done."""
    for door in DOORS:
        door.status()
    if function == 5 and values is not None and address == 0:
        DOORS[0].goal = 1.0 if values[0] else 0.0
    if function == 6 and values is not None and address == 0:
        DOORS[1].goal = {1: 1.0, 2: 0.0}.get(values[0], DOORS[1].goal)
    if function == 2:
        registers[0] = DOORS[0].status()
    if function == 4:
        registers[0] = DOORS[1].status()


async def main():
    bits = [SimData(0, values=[False] * 16, datatype=DataType.BITS)]
    words = [SimData(0, count=16, values=0, datatype=DataType.REGISTERS)]
    device = SimDevice(id=1, simdata=(bits, bits, words, words), action=on_access)
    server = ModbusTcpServer(device, address=("127.0.0.1", 0))
    await server.serve_forever(background=True)
    print(server.transport.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


asyncio.run(main())
