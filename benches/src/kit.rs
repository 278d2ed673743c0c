//! Brokers and databases of a bench's own: the private instances that the controller's tests start.

#[path = "../../controller/server/tests/kit/certificates.rs"]
pub mod certificates;
#[path = "../../controller/server/tests/kit/mosquitto.rs"]
pub mod mosquitto;
#[path = "../../controller/server/tests/kit/mqtt.rs"]
pub mod mqtt;
#[path = "../../controller/server/tests/kit/postgres.rs"]
pub mod postgres;
#[path = "../../controller/server/tests/kit/process.rs"]
pub mod process;
#[path = "../../controller/server/tests/kit/rabbit.rs"]
pub mod rabbit;
