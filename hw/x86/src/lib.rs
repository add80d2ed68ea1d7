//! The x86-64 processor's instructions as functions, one small file for each part of the processor.
//!
//! Reading a register is safe; whatever can change how memory or control flow behaves is an `unsafe fn` whose caller
//! vouches for the new state. Sources: Intel SDM volumes 2 and 3, AMD APM volume 2.
#![no_std]

pub mod cpu;
pub mod cpuid;
pub mod cr;
pub mod debugreg;
pub mod desc;
pub mod fpu;
pub mod msr;
pub mod port;
pub mod pte;
pub mod rflags;
pub mod segment;
pub mod tlb;
