//! free-xen: the hypervisor. [`boot`] brings the machine up, [`entry`] has the ways in from guests, [`machine`] is the machine
//! as the core sees it, and [`wiring`] connects the core to all of them.
#![no_std]
#![no_main]
#![allow(clippy::missing_safety_doc)]

extern crate alloc;

#[macro_use]
mod console;
mod boot;
mod cpu;
mod crash;
mod entry;
mod heap;
mod layout;
mod machine;
mod symbols;
mod wiring;
