/* A client by libmodbus that opens and shuts the door of `drover-agent plc`. */
#include <errno.h>
#include <modbus/modbus.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static modbus_t *plc;

static void want(int holds, const char *what) {
    if (!holds) {
        printf("%s: %s\n", what, modbus_strerror(errno));
        exit(1);
    }
}

static void until(uint8_t open, uint8_t closed) {
    uint8_t inputs[2];
    for (int tries = 0; tries < 3000; tries++) {
        want(modbus_read_input_bits(plc, 0, 2, inputs) == 2, "read inputs");
        if (inputs[0] == open && inputs[1] == closed) return;
        usleep(20000);
    }
    want(0, "the door didn't get there");
}

int main(int argc, char **argv) {
    uint8_t coil, off = 0;
    uint16_t word;
    plc = modbus_new_tcp("127.0.0.1", argc > 1 ? atoi(argv[1]) : 0);
    modbus_set_slave(plc, 1);
    modbus_set_response_timeout(plc, 10, 0);
    want(modbus_connect(plc) == 0, "connect");
    until(0, 1);
    want(modbus_write_bit(plc, 0, 1) == 1, "write coil");
    want(modbus_read_bits(plc, 0, 1, &coil) == 1 && coil == 1, "read coil");
    until(1, 0);
    want(modbus_write_bits(plc, 0, 1, &off) == 1, "write coils");
    until(0, 1);
    want(modbus_write_register(plc, 7, 4711) == 1, "write register");
    want(modbus_read_registers(plc, 7, 1, &word) == 1 && word == 4711, "read register");
    want(modbus_read_registers(plc, 900, 1, &word) == -1 && errno == EMBXILADD, "exception 2");
    modbus_close(plc);
    modbus_free(plc);
    puts("all well");
    return 0;
}
