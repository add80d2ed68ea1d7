//! A vCPU with two pages of memory.
#![allow(dead_code)]

use std::cell::RefCell;

use fx_emul::{PvCpu, Refused};
use fx_types::{Fault, GuestVirt};

pub const BASE: u64 = 0x40_0000;
pub const DATA: u64 = BASE + 0x1000;
pub const DENIED_PORT: u16 = 0xcf8;
pub const PREEMPT: u64 = 0xdead;

pub struct Cpu {
    pub mem: RefCell<Vec<u8>>,
    pub kernel: bool,
    pub long: bool,
    pub iopl: bool,
    pub cpuid_faulting: bool,
    pub msr: u64,
    pub log: Vec<String>,
}

impl Cpu {
    pub fn kernel() -> Self {
        Self {
            mem: RefCell::new(vec![0; 0x2000]),
            kernel: true,
            long: true,
            iopl: false,
            cpuid_faulting: false,
            msr: 0,
            log: Vec::new(),
        }
    }

    pub fn code(&mut self, insn: &[u8]) {
        let mut m = self.mem.borrow_mut();
        m[..16].fill(0);
        m[..insn.len()].copy_from_slice(insn);
    }

    fn range(va: u64, len: usize) -> (usize, usize) {
        let start = va.wrapping_sub(BASE);
        if start >= 0x2000 {
            return (0, 0);
        }
        (start as usize, len.min(0x2000 - start as usize))
    }
}

impl GuestVirt for Cpu {
    fn copy_in(&self, va: u64, buf: &mut [u8]) -> Result<(), Fault> {
        let (at, n) = Self::range(va, buf.len());
        buf[..n].copy_from_slice(&self.mem.borrow()[at..at + n]);
        if n == buf.len() { Ok(()) } else { Err(Fault { done: n }) }
    }

    fn copy_out(&self, va: u64, buf: &[u8]) -> Result<(), Fault> {
        let (at, n) = Self::range(va, buf.len());
        self.mem.borrow_mut()[at..at + n].copy_from_slice(&buf[..n]);
        if n == buf.len() { Ok(()) } else { Err(Fault { done: n }) }
    }
}

impl PvCpu for Cpu {
    fn kernel_mode(&self) -> bool {
        self.kernel
    }
    fn code_64bit(&self, _cs: u64) -> bool {
        self.long
    }
    fn iopl_ok(&self) -> bool {
        self.iopl
    }
    fn cpuid(&mut self, leaf: u32, subleaf: u32) -> [u32; 4] {
        [leaf, subleaf, 0xc0, 0xd0]
    }
    fn cpuid_faulting(&self) -> bool {
        self.cpuid_faulting
    }
    fn rdmsr(&mut self, index: u32) -> Result<u64, Refused> {
        if index == 0xc000_0102 { Ok(self.msr) } else { Err(Refused::Protection) }
    }
    fn wrmsr(&mut self, index: u32, value: u64) -> Result<(), Refused> {
        self.msr = value;
        self.log.push(format!("wrmsr {index:x} {value:x}"));
        Ok(())
    }
    fn port_read(&mut self, port: u16, size: u8) -> Result<u32, Refused> {
        if port == DENIED_PORT {
            Err(Refused::Protection)
        } else {
            Ok(u32::from(port) | if size == 4 { 0xab00_0000 } else { 0 })
        }
    }
    fn port_write(&mut self, port: u16, size: u8, value: u32) -> Result<(), Refused> {
        if port == DENIED_PORT {
            return Err(Refused::Protection);
        }
        self.log.push(format!("out {port:x} {size} {value:x}"));
        Ok(())
    }
    fn read_cr(&mut self, n: u8) -> Result<u64, Refused> {
        if n == 1 { Err(Refused::Undefined) } else { Ok(0x1_0000_0000 | u64::from(n)) }
    }
    fn write_cr(&mut self, n: u8, value: u64) -> Result<(), Refused> {
        if value == PREEMPT {
            return Err(Refused::Again);
        }
        self.log.push(format!("cr{n} = {value:x}"));
        Ok(())
    }
    fn read_dr(&mut self, n: u8) -> Result<u64, Refused> {
        Ok(0x2_0000_0000 | u64::from(n))
    }
    fn write_dr(&mut self, n: u8, value: u64) -> Result<(), Refused> {
        self.log.push(format!("dr{n} = {value:x}"));
        Ok(())
    }
    fn clts(&mut self) -> Result<(), Refused> {
        self.log.push("clts".into());
        Ok(())
    }
    fn wbinvd(&mut self) -> Result<(), Refused> {
        self.log.push("wbinvd".into());
        Ok(())
    }
    fn xsetbv(&mut self, index: u32, value: u64) -> Result<(), Refused> {
        self.log.push(format!("xcr {index} = {value:x}"));
        Ok(())
    }
    fn rdtsc(&mut self) -> Result<u64, Refused> {
        Ok(0x1_0000_0077)
    }
    fn tsc_aux(&mut self) -> Result<u32, Refused> {
        Ok(0x99)
    }
}
