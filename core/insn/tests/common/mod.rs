//! A vCPU with a little memory, whose accesses are noted.
#![allow(dead_code)]

use fx_insn::{Access, Cpu, Exception, Outcome, Purpose, Step, Stop, emulate};
use fx_types::GuestRegs;
use fx_virt::{Register, Segment, SegmentRegister};

/// Bytes of memory; linear addresses from 0.
pub const SIZE: usize = 0x10_0000;
/// Where instructions are put.
pub const CODE: u64 = 0x1000;
/// Accesses in this page are a device's: each is answered only when the instruction is emulated again.
pub const DEVICE: u64 = 0x8_0000;
/// This page is not present.
pub const ABSENT: u64 = 0x9_0000;

/// What a device was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    Read(u64, usize),
    Write(u64, usize, u64),
    In(u16, u8),
    Out(u16, u8, u32),
}

#[derive(Clone)]
pub struct Machine {
    pub regs: GuestRegs,
    pub segments: [SegmentRegister; 10],
    pub cr0: u64,
    pub cr3: u64,
    pub cr4: u64,
    pub efer: u64,
    pub dr6: u64,
    pub dr7: u64,
    pub kernel_gs: u64,
    pub cpl: u8,
    pub amd: bool,
    pub memory: Vec<u8>,
    pub vectors: [[u8; 32]; 16],
    /// Everything that devices were asked for, once.
    pub asked: Vec<Asked>,
    /// What the device answers next.
    pub answer: u64,
    /// Devices answer at once.
    pub quick: bool,
    /// The memory changes before the second half of a read-modify-write.
    pub interfere: bool,
    /// Memory that there is, apart from the absent page.
    pub present: Vec<std::ops::Range<u64>>,
    /// Memory that cannot be written.
    pub read_only: std::ops::Range<u64>,
    record: Vec<(u8, u64)>,
    pub invalidated: Vec<u64>,
    pub msr: u64,
    /// After how many iterations something waits that interrupts; none: never.
    pub interrupt_in: Option<u32>,
}

fn flat(attributes: u16) -> SegmentRegister {
    SegmentRegister { selector: 8, attributes, limit: u32::MAX, base: 0 }
}

impl Machine {
    fn new(code: u16, stack: u16, limit: u32) -> Self {
        let mut segments = [flat(stack); 10];
        segments[Segment::Cs as usize].attributes = code;
        segments.iter_mut().for_each(|segment| segment.limit = limit);
        Self {
            regs: GuestRegs { rip: CODE, rflags: 2, rsp: 0x7000, ..GuestRegs::default() },
            segments,
            cr0: 0x11,
            cr3: 0,
            cr4: 0,
            efer: 0,
            dr6: 0,
            dr7: 0,
            kernel_gs: 0,
            cpl: 0,
            amd: false,
            memory: vec![0; SIZE],
            vectors: [[0; 32]; 16],
            asked: Vec::new(),
            answer: 0,
            quick: false,
            interfere: false,
            present: vec![0..ABSENT, ABSENT + 0x1000..SIZE as u64],
            read_only: 0..0,
            record: Vec::new(),
            invalidated: Vec::new(),
            msr: 0,
            interrupt_in: None,
        }
    }

    /// 64-bit mode, in the kernel.
    pub fn long() -> Self {
        Self { efer: 0x500, ..Self::new(0xa9b, 0xc93, u32::MAX) }
    }

    /// 32-bit protected mode with flat segments.
    pub fn protected() -> Self {
        Self::new(0xc9b, 0xc93, u32::MAX)
    }

    /// Real mode.
    pub fn real() -> Self {
        Self { cr0: 0x10, ..Self::new(0x9b, 0x93, 0xffff) }
    }

    /// Puts an instruction where `rip` is.
    pub fn code(&mut self, bytes: &[u8]) {
        let base = self.segments[Segment::Cs as usize].base;
        self.put(base + self.regs.rip, bytes);
    }

    pub fn put(&mut self, linear: u64, bytes: &[u8]) {
        self.memory[linear as usize..][..bytes.len()].copy_from_slice(bytes);
    }

    pub fn number(&self, linear: u64, size: usize) -> u64 {
        let mut bytes = [0; 8];
        bytes[..size].copy_from_slice(&self.memory[linear as usize..][..size]);
        u64::from_le_bytes(bytes)
    }

    pub fn segment_mut(&mut self, segment: Segment) -> &mut SegmentRegister {
        &mut self.segments[segment as usize]
    }

    /// Puts an instruction and emulates it, again and again while it waits for a device.
    pub fn run(&mut self, bytes: &[u8]) -> Outcome {
        self.code(bytes);
        self.again()
    }

    /// Emulates until something else than waiting comes out.
    pub fn again(&mut self) -> Outcome {
        for _ in 0..10_000 {
            let outcome = emulate(self);
            if outcome != Outcome::Retry && outcome != Outcome::Again {
                return outcome;
            }
        }
        panic!("it never ends");
    }

    /// The answer of a device to access `number`: at the second attempt.
    fn ask(&mut self, number: u8, asked: Asked) -> Step<u64> {
        if let Some(&(_, answer)) = self.record.iter().find(|(of, _)| *of == number) {
            return Ok(answer);
        }
        self.asked.push(asked);
        self.record.push((number, self.answer));
        if self.quick { Ok(self.answer) } else { Err(Stop::Retry) }
    }

    fn range(&self, access: Access, length: usize) -> Step<std::ops::Range<usize>> {
        let write = access.purpose != Purpose::Read;
        let error = u32::from(write) * 2 + u32::from(access.user) * 4;
        let end = access.linear.saturating_add(length as u64);
        let kept = write && access.linear < self.read_only.end && end > self.read_only.start;
        if kept || !self.present.iter().any(|range| range.start <= access.linear && end <= range.end) {
            return Err(Exception::page_fault(access.linear, error).into());
        }
        Ok(access.linear as usize..end as usize)
    }

    fn is_device(linear: u64) -> bool {
        linear & !0xfff == DEVICE
    }
}

fn value(bytes: &[u8]) -> u64 {
    let mut all = [0; 8];
    let length = bytes.len().min(8);
    all[..length].copy_from_slice(&bytes[..length]);
    u64::from_le_bytes(all)
}

impl Cpu for Machine {
    fn regs(&mut self) -> &mut GuestRegs {
        &mut self.regs
    }
    fn amd(&self) -> bool {
        self.amd
    }
    fn cpl(&mut self) -> u8 {
        self.cpl
    }
    fn segment(&mut self, segment: Segment) -> SegmentRegister {
        self.segments[segment as usize]
    }
    fn set_segment(&mut self, segment: Segment, value: &SegmentRegister) {
        self.segments[segment as usize] = *value;
    }
    fn register(&mut self, register: Register) -> u64 {
        match register {
            Register::Cr0 => self.cr0,
            Register::Cr3 => self.cr3,
            Register::Cr4 => self.cr4,
            Register::Efer => self.efer,
            Register::Dr6 => self.dr6,
            Register::Dr7 => self.dr7,
            Register::KernelGsBase => self.kernel_gs,
            _ => 0,
        }
    }
    fn set_register(&mut self, register: Register, value: u64) -> Step {
        match register {
            Register::Cr0 if value >> 32 != 0 => return Err(Exception::GP0.into()),
            Register::Cr0 => self.cr0 = value,
            Register::Cr3 => self.cr3 = value,
            Register::Cr4 => self.cr4 = value,
            Register::Dr6 => self.dr6 = value,
            Register::Dr7 => self.dr7 = value,
            Register::KernelGsBase => self.kernel_gs = value,
            _ => return Err(Stop::Unhandled),
        }
        Ok(())
    }
    fn cr8(&mut self) -> u64 {
        7
    }
    fn set_cr8(&mut self, value: u64) -> Step {
        if value > 15 { Err(Exception::GP0.into()) } else { Ok(()) }
    }
    fn debug_address(&mut self, number: u8) -> u64 {
        0xd0 + u64::from(number)
    }
    fn set_debug_address(&mut self, _: u8, _: u64) -> Step {
        Ok(())
    }
    fn fetch(&mut self, linear: u64, out: &mut [u8]) -> Step {
        let access = Access { linear, purpose: Purpose::Read, user: false, wide: true, number: 0 };
        let range = self.range(access, out.len());
        let range = range.map_err(|_| Exception::page_fault(linear, 16))?;
        out.copy_from_slice(&self.memory[range]);
        Ok(())
    }
    fn read(&mut self, access: Access, out: &mut [u8]) -> Step {
        let range = self.range(access, out.len())?;
        if Self::is_device(access.linear) {
            let answer = self.ask(access.number, Asked::Read(access.linear, out.len()))?.to_le_bytes();
            let length = out.len().min(8);
            out[..length].copy_from_slice(&answer[..length]);
            return Ok(());
        }
        out.copy_from_slice(&self.memory[range]);
        Ok(())
    }
    fn write(&mut self, access: Access, data: &[u8]) -> Step {
        let range = self.range(access, data.len())?;
        if Self::is_device(access.linear) {
            let asked = Asked::Write(access.linear, data.len(), value(data));
            return self.ask(access.number, asked).map(|_| ());
        }
        self.memory[range].copy_from_slice(data);
        Ok(())
    }
    fn replace(&mut self, access: Access, old: &[u8], new: &[u8]) -> Step<bool> {
        let range = self.range(access, new.len())?;
        if Self::is_device(access.linear) {
            return self.write(access, new).map(|()| true);
        }
        if std::mem::take(&mut self.interfere) {
            self.memory[range.start] ^= 1;
        }
        let same = self.memory[range.clone()] == *old;
        if same {
            self.memory[range].copy_from_slice(new);
        }
        Ok(same)
    }
    fn port_read(&mut self, port: u16, size: u8, number: u8) -> Step<u32> {
        self.ask(number, Asked::In(port, size)).map(|answer| answer as u32)
    }
    fn port_write(&mut self, port: u16, size: u8, value: u32, number: u8) -> Step {
        self.ask(number, Asked::Out(port, size, value)).map(|_| ())
    }
    fn probe(&mut self, access: Access, length: usize) -> Step {
        self.range(access, length).map(|_| ())
    }
    fn completed(&mut self) {
        self.record.clear();
        self.interrupt_in = self.interrupt_in.map(|n| n.saturating_sub(1));
    }
    fn interrupted(&mut self) -> bool {
        self.interrupt_in == Some(0)
    }
    fn cpuid(&mut self, leaf: u32, subleaf: u32) -> Step<[u32; 4]> {
        Ok([leaf, subleaf, 0xc0, 0xd0])
    }
    fn rdmsr(&mut self, index: u32) -> Step<u64> {
        if index == 0x10 { Ok(self.msr) } else { Err(Exception::GP0.into()) }
    }
    fn wrmsr(&mut self, index: u32, value: u64) -> Step {
        if index != 0x10 {
            return Err(Exception::GP0.into());
        }
        self.msr = value;
        Ok(())
    }
    fn rdtsc(&mut self) -> Step<u64> {
        Ok(0x1_2345_6789_abcd)
    }
    fn tsc_aux(&mut self) -> Step<u32> {
        Ok(3)
    }
    fn rdpmc(&mut self, _: u32) -> Step<u64> {
        Ok(5)
    }
    fn wbinvd(&mut self) -> Step {
        Ok(())
    }
    fn invlpg(&mut self, linear: u64) -> Step {
        self.invalidated.push(linear);
        Ok(())
    }
    fn xsetbv(&mut self, _: u32, _: u64) -> Step {
        Ok(())
    }
    fn vector(&mut self, number: u8) -> Step<[u8; 32]> {
        Ok(self.vectors[usize::from(number)])
    }
    fn set_vector(&mut self, number: u8, low: &[u8; 16], upper: Option<&[u8; 16]>) -> Step {
        let vector = &mut self.vectors[usize::from(number)];
        vector[..16].copy_from_slice(low);
        if let Some(upper) = upper {
            vector[16..].copy_from_slice(upper);
        }
        Ok(())
    }
}

/// The instruction completed, with nothing special.
pub fn done() -> Outcome {
    Outcome::Done(fx_insn::Done::default())
}

/// The guest takes an exception.
pub fn raised(e: Exception) -> Outcome {
    e.into()
}
