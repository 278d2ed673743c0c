"""A client by pymodbus that opens and shuts the door of `drover-agent plc`."""

import sys
import time

from pymodbus.client import ModbusTcpClient

client = ModbusTcpClient("127.0.0.1", port=int(sys.argv[1]), timeout=10)
assert client.connect()


def inputs():
    return client.read_discrete_inputs(0, count=2, device_id=1).bits[:2]


def until(wanted):
    end = time.monotonic() + 60
    while inputs() != wanted:
        assert time.monotonic() < end, inputs()
        time.sleep(0.02)


until([False, True])
assert not client.write_coil(0, True, device_id=1).isError()
assert client.read_coils(0, count=1, device_id=1).bits[0]
until([True, False])
assert not client.write_coils(0, [False], device_id=1).isError()
until([False, True])
assert not client.write_register(7, 4711, device_id=1).isError()
assert client.read_holding_registers(7, count=1, device_id=1).registers == [4711]
assert not client.write_registers(7, [12], device_id=1).isError()
assert client.read_holding_registers(7, count=1, device_id=1).registers == [12]
assert client.read_holding_registers(900, count=1, device_id=1).exception_code == 2
assert client.read_coils(0, count=1, device_id=9).exception_code == 11
assert client.report_device_id(device_id=1).exception_code == 1
client.close()
print("all well")
