//! What a guest asks for: calls whose arguments are almost right.

use fx_pagetables::pte;
use fx_sim_host::{PAGES, World};
use fx_types::Mfn;
use xen_abi::hypercall as nr;

use crate::dice::Dice;

/// A hypercall: number, arguments, and the words of the block that its pointers point to.
#[derive(Debug)]
pub struct Call {
    pub number: u32,
    pub args: [u64; 5],
    pub block: Vec<u64>,
}

/// How the guest chooses.
pub struct Guest<'a> {
    pub dice: &'a mut Dice,
    pub frames: &'a [Mfn],
    pub others: &'a [Mfn],
    pub scratch: u64,
    /// Once in how many times a frame is somebody else's.
    pub reach: u64,
    /// Numbers of all domains.
    pub peers: &'a [u16],
    /// What it has mapped of others' grants: where, and the handle.
    pub mapped: &'a [(u64, u32)],
    /// What others grant it, and the ports that they offer it: domain, and entry or port.
    pub granted: &'a [(u64, u64)],
    pub offered: &'a [(u64, u64)],
}

const FLAGS: [u64; 8] = [
    pte::PRESENT | pte::RW | pte::USER,
    pte::PRESENT | pte::RW | pte::USER,
    pte::PRESENT | pte::USER,
    pte::PRESENT | pte::USER,
    0,
    pte::PRESENT | pte::RW | pte::USER | pte::NX | pte::DIRTY | pte::ACCESSED,
    pte::PRESENT | pte::RW | pte::PAT_OR_SUPER,
    pte::PRESENT | pte::RW | pte::GRANT,
];
const ODD: [u64; 12] = [
    u64::MAX,
    1 << 63,
    0x7fff_ffff_ffff,
    0x8000_0000_0000,
    0xffff_8000_0000_0000,
    0xffff_8800_0000_0000,
    0xffff_ffff,
    0x8000_0000,
    0x7ff0,
    0x7ff1,
    0x7ff2,
    0xfee0_0000,
];

/// Entries of grant tables that are used.
pub const GRANTS: u32 = 6;

impl Guest<'_> {
    fn small(&mut self) -> u64 {
        self.dice.below(16)
    }

    /// A domain: itself, another one, or what is none.
    fn domid(&mut self) -> u64 {
        if self.dice.one_in(2) {
            self.peer()
        } else {
            self.dice.of(&[0x7ff0, 0x7ff0, 0x7ff0, 0x7ff1, 0x7ff2])
        }
    }

    /// Any domain there is.
    fn peer(&mut self) -> u64 {
        self.dice.of(self.peers).into()
    }

    /// One of its frames, tables more often than others; sometimes another's.
    pub fn mfn(&mut self) -> u64 {
        if self.dice.one_in(self.reach) {
            return self.dice.of(self.others).0;
        }
        match self.dice.below(16) {
            0 => self.dice.below(1100),
            1..=5 => self.dice.of(&self.frames[..8]).0,
            _ => self.dice.of(self.frames).0,
        }
    }

    /// One of its frames, mostly one that is no table.
    fn plain(&mut self) -> u64 {
        if self.dice.one_in(4) { self.mfn() } else { self.dice.of(&self.frames[16..]).0 }
    }

    /// One of what there is for it, mostly; else any.
    fn one_of(&mut self, list: &[(u64, u64)], most: u64) -> (u64, u64) {
        if list.is_empty() || self.dice.one_in(5) {
            (self.domid(), self.dice.below(most))
        } else {
            self.dice.of(list)
        }
    }

    /// An address in its memory.
    pub fn va(&mut self) -> u64 {
        let page = match self.dice.below(8) {
            0 => self.dice.below(4) << 27,
            1 => self.dice.below(4) << 18 | self.dice.below(4) << 9,
            _ => self.dice.below(PAGES as u64),
        };
        let offset = if self.dice.one_in(3) { self.dice.below(512) * 8 } else { 0 };
        if self.dice.one_in(40) { self.dice.of(&ODD) } else { page << 12 | offset }
    }

    /// An entry of a page table.
    pub fn entry(&mut self) -> u64 {
        let flags = self.dice.of(&FLAGS);
        let odd = if self.dice.one_in(30) { 1 << self.dice.below(63) } else { 0 };
        self.mfn() << 12 | flags | odd
    }

    /// The address of an entry, and the kind of update.
    fn place(&mut self) -> u64 {
        let slot = if self.dice.one_in(8) { self.dice.below(512) } else { self.dice.below(12) };
        (self.mfn() << 12) | (slot * 8) | self.dice.of(&[0, 0, 0, 2, 1, 3])
    }

    fn pointer(&mut self) -> u64 {
        match self.dice.below(24) {
            0 => self.va(),
            1 => self.scratch + 0xfff,
            _ => self.scratch + self.dice.below(8) * 64,
        }
    }

    /// Something that might be anything.
    pub fn word(&mut self) -> u64 {
        match self.dice.below(20) {
            0..=5 => self.small(),
            6 | 7 => self.mfn(),
            8 => self.va(),
            9 => self.pointer(),
            10 => self.domid(),
            11 => self.entry(),
            12 => self.dice.of(&ODD),
            13 => self.dice.next(),
            14 | 15 => self.small() | self.small() << 32,
            16 => self.domid() | self.small() << 16 | self.small() << 32,
            17 => self.small() | self.domid() << 32,
            18 => self.dice.below(64),
            _ => 1 << self.dice.below(64),
        }
    }

    fn block(&mut self) -> Vec<u64> {
        let n = 9 + self.dice.below(32);
        (0..n).map(|_| self.word()).collect()
    }

    /// A call.
    pub fn call(&mut self) -> Call {
        match self.dice.below(36) {
            0..=7 => self.mmu_update(),
            8..=11 => self.mmuext(),
            12..=14 => self.update_va(),
            15..=17 => self.grant(),
            18..=20 => self.memory(),
            21..=23 | 32..=35 => self.event(),
            24 => self.with_command(nr::HYPERVISOR_SCHED_OP, 9),
            25 => self.vcpu_op(),
            26 => self.gdt(),
            27 => self.multicall(),
            28 => self.iret(),
            _ => self.other(),
        }
    }

    fn mmu_update(&mut self) -> Call {
        let n = 1 + self.dice.below(6);
        let mut block = vec![0; 16];
        for _ in 0..n {
            block.push(self.place());
            block.push(self.entry());
        }
        let target = if self.dice.one_in(6) { self.domid() | self.domid() << 16 } else { 0x7ff0 };
        let done = if self.dice.one_in(9) { self.word() } else { 0 };
        Call { number: nr::HYPERVISOR_MMU_UPDATE, args: [self.scratch + 128, n, done, target, 0], block }
    }

    fn mmuext(&mut self) -> Call {
        let n = 1 + self.dice.below(3);
        let mut block = vec![0; 16];
        for _ in 0..n {
            block.push(self.dice.below(21));
            let first = if self.dice.one_in(4) { self.va() } else { self.mfn() };
            block.push(first);
            let second = if self.dice.one_in(2) { self.small() } else { self.word() };
            block.push(second);
        }
        let target = if self.dice.one_in(6) { self.domid() } else { 0x7ff0 };
        Call { number: nr::HYPERVISOR_MMUEXT_OP, args: [self.scratch + 128, n, 0, target, 0], block }
    }

    fn update_va(&mut self) -> Call {
        let args = [self.va(), self.entry(), self.dice.below(8), self.domid(), 0];
        let other = self.dice.one_in(5);
        let number = if other {
            nr::HYPERVISOR_UPDATE_VA_MAPPING_OTHERDOMAIN
        } else {
            nr::HYPERVISOR_UPDATE_VA_MAPPING
        };
        Call { number, args, block: Vec::new() }
    }

    /// Grant operations; the block's first words fit their structures mostly.
    fn grant(&mut self) -> Call {
        let command =
            self.dice.of(&[0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 3, 5, 5, 5, 5, 6, 7, 7, 8, 9, 10, 11, 12, 13]);
        let mut block = self.block();
        if !self.dice.one_in(6) {
            let place = self.grant_place();
            let (whose, reference) = self.one_of(self.granted, u64::from(GRANTS));
            match command {
                0 => {
                    let flags = self.dice.of(&[2, 2, 2, 6, 3, 0x12, 1]);
                    block[..2].copy_from_slice(&[place, flags | reference << 32]);
                    block[2] = whose;
                }
                1 | 7 => {
                    let (at, handle) = self.mapping();
                    let second = if command == 7 { self.va() } else { 0 };
                    block[..3].copy_from_slice(&[at, second, handle]);
                }
                5 => self.copy(&mut block),
                8 => block[0] = self.dice.of(&[1, 2]),
                _ => block[0] = reference | self.dice.below(u64::from(GRANTS)) << 32,
            }
        }
        let count = if command < 8 && command != 2 { 1 + self.dice.below(2) } else { 1 };
        Call { number: nr::HYPERVISOR_GRANT_TABLE_OP, args: [command, self.scratch, count, 0, 0], block }
    }

    /// Where a grant is to be mapped: at an address, or in a given entry.
    fn grant_place(&mut self) -> u64 {
        if self.dice.one_in(4) {
            return (self.frames[3].0 << 12) | (self.dice.below(64) * 8);
        }
        (32 + self.dice.below(24)) << 12
    }

    /// What it mapped, or almost.
    fn mapping(&mut self) -> (u64, u64) {
        if self.mapped.is_empty() || self.dice.one_in(8) {
            return (self.grant_place(), self.dice.below(8));
        }
        let (at, handle) = self.dice.of(self.mapped);
        if self.dice.one_in(8) { (self.grant_place(), handle.into()) } else { (at, handle.into()) }
    }

    /// A copy between a frame of its own and a grant of another's, or any two of them.
    fn copy(&mut self, block: &mut [u64]) {
        let granted = self.dice.below(4);
        for side in 0..2 {
            let by_grant = granted & (1 << side) != 0;
            let (domid, reference) = self.one_of(self.granted, u64::from(GRANTS));
            let (domid, what) = if by_grant { (domid, reference) } else { (0x7ff0, self.plain()) };
            let offset = if self.dice.one_in(4) { self.dice.below(4097) } else { 0 };
            (block[2 * side], block[2 * side + 1]) = (what, domid | offset << 16);
        }
        let length = self.dice.of(&[8, 64, 4096, 4097]);
        block[4] = length | granted << 16;
    }

    /// An entry of its grant table, of the format `version`: its words.
    pub fn grant_entry(&mut self, version: u32) -> [u64; 2] {
        let flags = self.dice.of(&[1, 1, 1, 5, 0, 3, 0x101, 0x19]);
        let header = flags | self.peer() << 16;
        let frame = self.plain();
        if version == 1 {
            return [header | frame << 32, 0];
        }
        let extra = self.dice.of(&[0, 0, 64 << 16, 0x7ff0, 1, 2]);
        [header | extra << 32, if flags & 3 == 3 { self.dice.below(u64::from(GRANTS)) } else { frame }]
    }

    /// Event channel operations; the first words fit their structures mostly.
    fn event(&mut self) -> Call {
        let mut c = self.with_command(nr::HYPERVISOR_EVENT_CHANNEL_OP, 15);
        if self.dice.one_in(3) {
            c.args[0] = self.dice.of(&[0, 0, 6, 11, 12]);
        }
        if !self.dice.one_in(4) {
            c.args[1] = self.scratch;
            let port = self.dice.below(24);
            c.block[0] = match c.args[0] {
                0 => {
                    let (whose, port) = self.one_of(self.offered, 24);
                    whose | port << 32
                }
                6 => 0x7ff0 | self.peer() << 16,
                11 | 12 => self.plain(),
                10 => self.dice.of(&[0x7ff0, 0x7ff0, 1]),
                1 => self.dice.below(24) | self.dice.below(3) << 32,
                _ => port | self.dice.below(3) << 32,
            };
            if c.args[0] == 11 {
                c.block[1] = self.dice.of(&[0, 8, 4000, 4096]) | self.dice.below(3) << 32;
            }
        }
        c
    }

    fn memory(&mut self) -> Call {
        let mut block = self.block();
        // Mostly a reservation of its own: a list of frames, how many, of what order, whose.
        if !self.dice.one_in(4) {
            block[0] = self.scratch + 128;
            block[1] = 1 + self.dice.below(8);
            block[2] = self.dice.of(&[0, 0, 0, 1, 9, 0xffff_ffff]);
            block[3] = self.domid();
            block.resize(16, 0);
            block.extend((0..16).map(|_| self.mfn()));
        }
        let command =
            self.dice.of(&[0, 0, 1, 1, 6, 6, 11, 7, 9, 16, 24, 28, 2, 3, 4, 5, 12, 14, 17, 18, 20, 26]);
        Call { number: nr::HYPERVISOR_MEMORY_OP, args: [command, self.scratch, 0, 0, 0], block }
    }

    fn with_command(&mut self, number: u32, commands: u64) -> Call {
        let block = self.block();
        Call { number, args: [self.dice.below(commands), self.pointer(), self.word(), 0, 0], block }
    }

    fn vcpu_op(&mut self) -> Call {
        let mut block = self.block();
        let command = self.dice.of(&[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10, 10, 11, 12, 13, 14, 15]);
        let mut at = self.pointer();
        if command >= 10 {
            // Where the vCPU's structure, or an area, is to be: a frame and an offset, or an address.
            let (mfn, offset) = (self.plain(), self.dice.of(&[0, 64, 0xfc0, 0xfe0]));
            (block[0], block[1]) = if command == 10 { (mfn, offset) } else { (mfn << 12 | offset, 0) };
            at = self.scratch;
        }
        let args = [command, self.dice.below(3), at, 0, 0];
        Call { number: nr::HYPERVISOR_VCPU_OP, args, block }
    }

    fn gdt(&mut self) -> Call {
        let block = (0..16).map(|_| self.plain()).collect();
        let entries = self.dice.of(&[0, 1, 512, 513, 7168, 7169, u64::MAX]);
        Call { number: nr::HYPERVISOR_SET_GDT, args: [self.scratch, entries, 0, 0, 0], block }
    }

    fn multicall(&mut self) -> Call {
        let n = 1 + self.dice.below(4);
        let mut block = Vec::new();
        for _ in 0..n {
            let c = self.simple();
            block.push(u64::from(c.number));
            block.push(0);
            block.extend(c.args);
            block.push(0);
        }
        Call { number: nr::HYPERVISOR_MULTICALL, args: [self.scratch, n, 0, 0, 0], block }
    }

    fn iret(&mut self) -> Call {
        let mut block = self.block();
        if self.dice.one_in(2) {
            // rax, r11, rcx, flags, rip, cs, rflags, rsp, ss
            block[3] = self.dice.of(&[0, 0x100]);
            block[4] = 0x1_0000;
            block[5] = self.dice.of(&[0xe033, 0xe02b, 0x33, 0]);
            block[7] = 0x1_e000;
            block[8] = self.dice.of(&[0xe02b, 0x2b, 0]);
        }
        Call { number: nr::HYPERVISOR_IRET, args: [0; 5], block }
    }

    /// A call that is no multicall.
    fn simple(&mut self) -> Call {
        if self.dice.one_in(2) { self.update_va() } else { self.other() }
    }

    fn other(&mut self) -> Call {
        let number = match self.dice.below(3) {
            0 => self.dice.below(64) as u32,
            1 => self.dice.of(&[
                nr::HYPERVISOR_SET_TRAP_TABLE,
                nr::HYPERVISOR_UPDATE_DESCRIPTOR,
                nr::HYPERVISOR_SET_DEBUGREG,
                nr::HYPERVISOR_SET_SEGMENT_BASE,
                nr::HYPERVISOR_CALLBACK_OP,
                nr::HYPERVISOR_VM_ASSIST,
            ]),
            _ => self.dice.of(&[
                nr::HYPERVISOR_PHYSDEV_OP,
                nr::HYPERVISOR_XEN_VERSION,
                nr::HYPERVISOR_CONSOLE_IO,
                nr::HYPERVISOR_STACK_SWITCH,
                nr::HYPERVISOR_DOMCTL,
                nr::HYPERVISOR_SYSCTL,
            ]),
        };
        // Where the machine would rightly stop, and IRET, which is asked for above.
        let number = if number == nr::HYPERVISOR_IRET { nr::HYPERVISOR_XEN_VERSION } else { number };
        let block = self.block();
        let args = [self.word(), self.pointer(), self.word(), self.word(), self.word()];
        Call { number, args, block }
    }
}

/// Frames of all the other domains.
pub fn others(w: &World, id: u16) -> Vec<Mfn> {
    w.spaces.iter().filter(|(n, _)| **n != id).flat_map(|(_, s)| s.frames.iter().copied()).collect()
}
