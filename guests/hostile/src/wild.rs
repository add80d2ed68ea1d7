//! At random: what the other files do on purpose, in any order and with arguments that are wrong or almost right. It ends when its
//! steps are done, or when it has broken something of this kernel's own.

use guest_lib::abi::arch_x86::VGCF_IN_SYSCALL;
use guest_lib::abi::hypercall as nr;
use guest_lib::abi::xen::*;
use guest_lib::mmu::{self, PAGE, RO, RW};
use guest_lib::user::{self, Entry, Program};
use guest_lib::{boot, events, hypercall, percpu, println, probe};

/// Pages that it plays with, and pages for the arguments of calls.
const ARENA: u64 = 96;
const BLOCK: u64 = 2;
/// Steps between two lines on the console.
const SIGN: u64 = 20_000;

const ODD: [u64; 10] = [
    !0,
    1 << 63,
    0x7fff_ffff_ffff,
    0x8000_0000_0000,
    0xffff_8000_0000_0000,
    0xffff_82d0_4020_0000,
    0xffff_8300_0000_0000,
    0xffff_8800_0000_0000,
    0xfee0_0000,
    0x8000_0000,
];

/// Calls that would only end this kernel, or its ability to go on after a fault.
const LEFT_OUT: [u32; 8] = [
    nr::HYPERVISOR_SET_TRAP_TABLE,
    nr::HYPERVISOR_STACK_SWITCH,
    nr::HYPERVISOR_SET_CALLBACKS,
    nr::HYPERVISOR_SCHED_OP_COMPAT,
    nr::HYPERVISOR_IRET,
    nr::HYPERVISOR_SET_SEGMENT_BASE,
    nr::HYPERVISOR_CALLBACK_OP,
    nr::HYPERVISOR_SCHED_OP,
];

struct Wild {
    state: u64,
    arena: u64,
    block: u64,
    port: u32,
}

/// `wild=SEED` steps of chance, as many as `steps=` says.
pub fn run(seed: u64) {
    let steps = boot::option("steps").and_then(|n| n.parse().ok()).unwrap_or(100_000);
    let port = events::bind_ipi(0).unwrap_or(0);
    let arena = mmu::alloc_pages((ARENA + BLOCK) as usize);
    let state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut w = Wild { state, arena, block: arena + ARENA * PAGE, port };
    let _ = user::create_space();
    println!("WILD begins, seed {seed}");
    for step in 1..=steps {
        w.step();
        if step % SIGN == 0 {
            println!("WILD step {step}");
        }
    }
    println!("WILD ends");
}

impl Wild {
    fn next(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 16) % n
    }

    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    fn of<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len() as u64) as usize]
    }

    /// A page of the arena; the first ones more often.
    fn page(&mut self) -> u64 {
        let n = if self.one_in(2) { self.below(12) } else { self.below(ARENA) };
        self.arena + n * PAGE
    }

    /// A frame: mostly of the arena, else any of the machine's or the root table.
    fn frame(&mut self) -> u64 {
        match self.below(12) {
            0 => self.below(1 << 20),
            1 => mmu::mfn(boot::start_info().pt_base),
            _ => {
                let page = self.page();
                mmu::mfn(page)
            }
        }
    }

    fn entry(&mut self) -> u64 {
        let flags = self.of(&[RW, RW, RO, RO, 0, 7 | 0x80, 7 | 0x100, 5 | 1 << 62, RW | 1 << 63]);
        (self.frame() * PAGE) | flags
    }

    fn domain(&mut self) -> u64 {
        self.of(&[DOMID_SELF, DOMID_SELF, DOMID_SELF, 0, 1, 2, DOMID_IO, DOMID_XEN, DOMID_IDLE]).into()
    }

    fn word(&mut self) -> u64 {
        match self.below(12) {
            0..=3 => self.below(16),
            4 => self.frame(),
            5 => self.page() + self.below(512) * 8,
            6 => self.block,
            7 => self.domain() | self.below(16) << 16 | self.below(16) << 32,
            8 => self.entry(),
            9 => self.of(&ODD),
            10 => self.below(16) | self.below(16) << 32,
            _ => self.next(),
        }
    }

    /// Fills the block of arguments.
    fn fill(&mut self) {
        for n in 0..24 {
            let word = self.word();
            mmu::store(self.block + n * 8, word);
        }
    }

    fn put(&mut self, words: &[u64]) {
        for (n, word) in (0..).zip(words) {
            mmu::store(self.block + n * 8, *word);
        }
    }

    fn call(&mut self, number: u32, args: [u64; 5]) -> i64 {
        // SAFETY: what Xen writes goes to the arena or to the block, or breaks this kernel, which only ends it.
        unsafe { hypercall::raw(number, args) }
    }

    fn step(&mut self) {
        match self.below(32) {
            0..=5 => self.update(),
            6..=8 => self.extended(),
            9..=11 => self.by_address(),
            12..=15 => self.write(),
            16 => self.look(),
            17 | 18 => self.command(nr::HYPERVISOR_EVENT_CHANNEL_OP, 15),
            19 | 20 => self.command(nr::HYPERVISOR_GRANT_TABLE_OP, 14),
            21 => self.memory(),
            22 => self.command(nr::HYPERVISOR_VCPU_OP, 16),
            23 => self.timers(),
            24 => self.descriptors(),
            25 => self.instruction(),
            26 | 27 => self.go_to_user(),
            28 => self.storm(),
            _ => self.anything(),
        }
    }

    fn update(&mut self) {
        let at = self.page();
        let slot = if self.one_in(6) { self.below(512) } else { self.below(8) };
        let place = (mmu::machine(at) + slot * 8) | self.of(&[0, 0, 0, 2, 1, 3, 4]);
        let entry = self.entry();
        let whose = if self.one_in(8) { self.domain() | self.domain() << 16 } else { DOMID_SELF.into() };
        self.put(&[place, entry]);
        self.call(nr::HYPERVISOR_MMU_UPDATE, [self.block, 1, 0, whose, 0]);
    }

    /// Pins, new roots, flushes: all but a new root for the kernel that is not one.
    fn extended(&mut self) {
        let command = match self.below(3) {
            0 => self.below(4),
            1 => MMUEXT_UNPIN_TABLE.into(),
            _ => self.of(&[6, 7, 8, 9, 10, 11, 12, 13, 15, 16, 17, 19, 20]),
        };
        let (frame, word) = (self.frame(), self.word());
        self.put(&[command, frame, word]);
        let whose = if self.one_in(8) { self.domain() } else { DOMID_SELF.into() };
        self.call(nr::HYPERVISOR_MMUEXT_OP, [self.block, 1, 0, whose, 0]);
    }

    fn by_address(&mut self) {
        let va = if self.one_in(10) { self.of(&ODD) } else { self.page() };
        // Mostly its own frame with other rights, so that it can become a table, or ordinary again.
        let own = va.wrapping_sub(self.arena) < ARENA * PAGE && !self.one_in(4);
        let entry = if own { mmu::entry_for(va, self.of(&[RO, RO, RW])) } else { self.entry() };
        let flags = self.below(8);
        self.call(nr::HYPERVISOR_UPDATE_VA_MAPPING, [va, entry, flags, 0, 0]);
    }

    /// Stores: into what may be a table now, and into what is not its own.
    fn write(&mut self) {
        let at = if self.one_in(12) { self.of(&ODD) } else { self.page() + self.below(512) * 8 };
        let entry = self.entry();
        // SAFETY: the arena is raw memory; elsewhere it faults.
        let _ = unsafe {
            if self.one_in(2) {
                probe::write(at, entry)
            } else {
                probe::compare_exchange(at, 0, entry).map(|_| ())
            }
        };
    }

    fn look(&mut self) {
        let at = self.word();
        let _ = probe::read(at);
    }

    fn command(&mut self, number: u32, commands: u64) {
        self.fill();
        let command = self.below(commands);
        if number == nr::HYPERVISOR_VCPU_OP {
            // The areas of this vCPU, and what would take it down, are left as they are.
            if !matches!(command, 1 | 2 | 5 | 10 | 13 | 14 | 15) {
                let vcpu = self.below(3);
                self.call(number, [command, vcpu, self.block, 0, 0]);
            }
            return;
        }
        let count = 1 + self.below(3);
        self.call(number, [command, self.block, count, 0, 0]);
    }

    /// Frames given back and asked for, always others than those of this kernel.
    fn memory(&mut self) {
        let (command, order, whose) =
            (self.of(&[0, 1, 6, 7, 9, 11, 15, 28]), self.of(&[0, 0, 1, 9, 99]), self.domain());
        let frame = if self.one_in(2) { self.below(1 << 20) } else { self.of(&ODD) };
        self.fill();
        self.put(&[self.block + 128, 1, order, whose]);
        mmu::store(self.block + 128, frame);
        self.call(nr::HYPERVISOR_MEMORY_OP, [command, self.block, 0, 0, 0]);
    }

    fn timers(&mut self) {
        let when = self.word();
        self.call(nr::HYPERVISOR_SET_TIMER_OP, [when, 0, 0, 0, 0]);
        let period = self.of(&[0, 1, 1_000_000, 1_000_001, !0]);
        self.put(&[period]);
        self.call(nr::HYPERVISOR_VCPU_OP, [6, 0, self.block, 0, 0]);
        self.call(nr::HYPERVISOR_VCPU_OP, [7, 0, 0, 0, 0]);
    }

    fn descriptors(&mut self) {
        let frames: [u64; 14] = [(); 14].map(|()| self.frame());
        self.put(&frames);
        let entries = self.of(&[0, 512, 513, 7168, 7169, !0]);
        self.call(nr::HYPERVISOR_SET_GDT, [self.block, entries, 0, 0, 0]);
        let (at, what) = (self.page(), self.next());
        self.call(nr::HYPERVISOR_UPDATE_DESCRIPTOR, [mmu::machine(at), what, 0, 0, 0]);
        let selector = self.next() as u16;
        if probe::load_fs(selector).is_ok() {
            let _ = probe::read_fs();
        }
        let _ = probe::load_fs(0);
    }

    fn instruction(&mut self) {
        let (_, instruction, _) = self.of(probe::PRIVILEGED);
        let _ = instruction();
        let (msr, value) =
            (self.of(&[0x10, 0x1b, 0x1d9, 0x277, 0xc000_0080, 0xc000_0082, 0x830]), self.word());
        let _ = probe::wrmsr(msr, value);
    }

    /// To user mode by IRET and by SYSRET, with any frame.
    fn go_to_user(&mut self) {
        let mut entry = Entry::new(Program::Syscall, 0x41);
        match self.below(6) {
            0 => entry.rip = self.word(),
            1 => entry.rsp = self.word(),
            2 => entry.cs = self.next() & 0xffff | 3,
            3 => entry.ss = self.next() & 0xffff,
            // Not single step, which would go on here.
            4 => entry.rflags = self.next() & !0x100,
            _ => {}
        }
        if self.one_in(2) {
            entry.flags = VGCF_IN_SYSCALL;
        }
        let _ = entry.run();
        events::disable();
    }

    fn storm(&mut self) {
        for _ in 0..500 {
            hypercall::send(self.port);
        }
        for _ in 0..20 {
            self.call(nr::HYPERVISOR_CONSOLE_IO, [0, 64, self.block, 0, 0]);
        }
    }

    fn anything(&mut self) {
        self.fill();
        let number = self.below(64) as u32;
        if LEFT_OUT.contains(&number) {
            return;
        }
        let args = [(); 5].map(|()| self.word());
        self.call(number, args);
        hypercall::numbers(nr::HYPERVISOR_FPU_TASKSWITCH, [0; 5]);
        percpu::set_gs(percpu::prepare(0));
    }
}
