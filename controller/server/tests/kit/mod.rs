//! Private instances of the services we talk to: on free loopback ports, in a folder of their own, really killed.
//!
//! Never a default port, never somebody else's data. Each instance is killed and its folder removed when it is
//! dropped, also by a panic. When a program isn't installed `start` says so and gives None: the test then returns.

pub mod amqp;
pub mod api;
pub mod certificates;
pub mod mosquitto;
pub mod mqtt;
pub mod node;
pub mod outside;
pub mod postgres;
pub mod process;
pub mod prometheus;
pub mod rabbit;
pub mod redis;
pub mod site;
pub mod tireless;
pub mod traffic;
