//! A stand-in for the wiring: runs a few instructions in ring 3 and reports what comes of them.

use core::arch::global_asm;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

use fx_boot::BootInfo;
use fx_types::{CpuSet, GuestRegs, GuestVirt, GuestVirtExt, Mfn};
use fx_x86::{cr, pte, rflags};

use crate::boot::{early, paging, smp};
use crate::cpu::{block, init, tlb};
use crate::entry::{self, exit};
use crate::machine::{Machine, descriptors, guest, m2p, mmio, segments, state};

/// What the wiring keeps for each CPU.
pub struct CpuLocal;

impl CpuLocal {
    /// At start.
    pub const NEW: Self = Self;
}

/// Memory for the heap.
pub fn more_heap(_bytes: usize) -> Option<NonNull<u8>> {
    None
}

/// Restarts the machine.
pub fn restart_now() -> ! {
    fx_x86::cpu::triple_fault()
}

static LAPIC: AtomicU64 = AtomicU64::new(0);

fn lapic(reg: u64) -> *mut u32 {
    (LAPIC.load(Relaxed) + reg) as *mut u32
}

struct Wake;

impl Wake {
    fn send(&self, apic_id: u32, low: u32) {
        // SAFETY: test.
        unsafe {
            lapic(0x310).write_volatile(apic_id << 24);
            lapic(0x300).write_volatile(low);
            while lapic(0x300).read_volatile() & (1 << 12) != 0 {}
        }
    }
}

impl smp::Starter for Wake {
    fn init(&self, apic_id: u32) {
        self.send(apic_id, 0x4500);
    }
    fn startup(&self, apic_id: u32, page: u8) {
        self.send(apic_id, 0x4600 | u32::from(page));
    }
    fn delay_us(&self, us: u64) {
        let t = fx_x86::cpu::rdtsc();
        while fx_x86::cpu::rdtsc() - t < us * 1000 {
            core::hint::spin_loop();
        }
    }
}

fn start_others() {
    LAPIC.store(mmio::map(0xfee0_0000, 4096, mmio::Cache::None).unwrap() as u64, Relaxed);
    // SAFETY: test.
    unsafe { lapic(0xf0).write_volatile(0x1ff) };
    for cpu in 1..4 {
        log!("cpu {cpu} started: {}", smp::start(cpu, cpu, &Wake));
    }
    let t = fx_x86::cpu::rdtsc();
    for _ in 0..1000 {
        tlb::flush(&CpuSet::ALL, true, |cpu| Wake.send(cpu, 0x40fb));
    }
    log!(
        "1000 flushes by {} CPUs: {} ticks; answered {}",
        smp::count(),
        fx_x86::cpu::rdtsc() - t,
        ANSWERS.load(Relaxed)
    );
}

static ANSWERS: AtomicU64 = AtomicU64::new(0);

/// Another CPU is ready.
pub fn cpu_main(cpu: u32) -> ! {
    // SAFETY: test.
    unsafe { lapic(0xf0).write_volatile(0x1ff) };
    log!("hello from cpu {cpu}");
    loop {
        // SAFETY: the handlers are there.
        unsafe { fx_x86::cpu::wait_for_interrupt() };
    }
}

/// An interrupt that came in ring 0.
pub fn interrupt(vector: u8) {
    if vector == 0xfb {
        // SAFETY: test.
        unsafe { lapic(0xb0).write_volatile(0) };
        tlb::poll();
        ANSWERS.fetch_add(1, Relaxed);
        return;
    }
    log!("interrupt {vector:#x}");
}

/// A non-maskable interrupt.
pub fn nmi(_regs: &GuestRegs) {}

global_asm!(
    ".section .rodata.blob,\"a\"",
    "blob:",
    "mov eax, 0x111",
    "syscall",
    "int3",
    "mov ecx, 0xdead000",
    "mov rbx, [rcx]",
    "hlt",
    "int 0x80",
    "mov eax, 0x222",
    "xor edi,edi",
    "9: syscall",
    "inc edi",
    "cmp edi, 1000",
    "jne 9b",
    "pushf",
    "or qword ptr [rsp], 0x100",
    "popf",
    "nop",
    "nop",
    "pushf",
    "and qword ptr [rsp], ~0x100",
    "popf",
    "sysenter",
    "mov eax, 0x333",
    "syscall",
    "mov eax, 0x444",
    "syscall",
    "mov eax, 0x555",
    "syscall",
    "2: jmp 2b",
    "blob_end:",
    ".text"
);

const CODE: u64 = 0x40_0000;
const STACK: u64 = 0x50_0000;
static CR3: AtomicU64 = AtomicU64::new(0);
static LAST: AtomicU64 = AtomicU64::new(0);
static T0: AtomicU64 = AtomicU64::new(0);

fn test_access() {
    let m = Machine;
    let mut b = [0u8; 37];
    log!("copy_in code {:?} {:02x?}", m.copy_in(CODE, &mut b), &b[..8]);
    log!("copy_out to code {:?}", m.copy_out(CODE, &b));
    log!("copy_out across end {:?}", m.copy_out(STACK - 40, &[1; 100]));
    log!("copy_out across end, odd {:?}", m.copy_out(STACK - 3, &[1; 7]));
    log!("copy_out, long {:?}", m.copy_out(STACK - 1003, &[7; 1003]));
    log!("read_val {:x?}", m.read_val::<[u64; 2]>(STACK - 16));
    log!(
        "read bad {:?} {:?} {:?}",
        guest::read_u64(0x1000),
        guest::read_u64(u64::MAX - 3),
        guest::read_u64(1 << 47)
    );
    log!("write {:?} {:?}", guest::write_u64(STACK - 8, 0x55aa), guest::write_u64(CODE, 1));
    log!("read {:x?}", guest::read_u64(STACK - 8));
    m2p::set(Mfn(0x100), 0x77);
    log!("m2p {:x} {:x} {:x}", m2p::get(Mfn(0x100)), m2p::get(Mfn(0x101)), m2p::get(Mfn(0x1000_0000)));
    m2p::set(Mfn(0x1000_0000), 0x77);
}

fn test_state() {
    let mut s = segments::save();
    log!("segments {s:x?}");
    s.sel = [0x13, init::GUEST_DS, 0x23, 0];
    s.fs_base = 0x1234_5000;
    s.gs_base_other = 0x777;
    log!("load {} -> {:x?}", segments::load(&s), segments::save());
    let gdt = early::alloc(4096, 4096).unwrap();
    // SAFETY: test.
    unsafe { paging::phys_ptr(gdt).cast::<u64>().add(4).write(fx_x86::desc::DATA_RING3 & !(1 << 40)) };
    descriptors::set_gdt(&[Mfn(gdt >> 12)]);
    log!("with gdt: load {} -> {:x?}", segments::load(&s), segments::save());
    descriptors::set_gdt(&[]);
    log!("without: {}", segments::load(&s));
    descriptors::set_ldt(512);
    s.sel[0] = 0x27;
    log!(
        "ldt unmapped: {} {:x} {:?}",
        segments::load(&s),
        cr::read_cr2(),
        descriptors::ldt_page_of(cr::read_cr2())
    );
    descriptors::map_ldt_page(0, Mfn(gdt >> 12));
    log!("ldt mapped: {} {:x?}", segments::load(&s), segments::save());
    descriptors::set_ldt(0);
    log!("ldt gone: {} {:x?}", segments::load(&s), segments::save());
    let area = early::alloc(4096, 4096).unwrap();
    state::xstate_save(Mfn(area >> 12));
    state::xstate_load(Mfn(area >> 12));
    log!(
        "xstate {} bytes, xcr0 {:x}, set {} {}",
        state::xstate_size(),
        fx_x86::fpu::host_xcr0(),
        state::set_xcr0(3),
        state::set_xcr0(4)
    );
    // SAFETY: test.
    log!("lapic version {:x}", unsafe {
        mmio::map(0xfee0_0030, 4, mmio::Cache::None).unwrap().cast::<u32>().read_volatile()
    });
}

#[unsafe(no_mangle)]
extern "C" fn guest_syscall(regs: &mut GuestRegs) -> u32 {
    match regs.rax {
        0x222 => {
            if regs.rdi == 0 {
                T0.store(fx_x86::cpu::rdtsc(), Relaxed);
            }
            if regs.rdi == 999 {
                log!("1000 syscalls: {} ticks", fx_x86::cpu::rdtsc() - T0.load(Relaxed));
            }
            return 0;
        }
        0x333 => {
            test_access();
            test_state();
        }
        0x444 => {
            // A bad return: a selector beyond the table.
            regs.entry_vector = 0;
            regs.cs = 0xfff3;
        }
        0x555 => restart_now(),
        _ => {}
    }
    log!("syscall {:#x} {regs:x?}", regs.rax);
    1
}

#[unsafe(no_mangle)]
extern "C" fn guest_trap(regs: &mut GuestRegs) {
    log!(
        "trap {:#x} error {:#x} rip {:x} cs {:x} rsp {:x} cr2 {:x}",
        regs.entry_vector,
        regs.error_code,
        regs.rip,
        regs.cs,
        regs.rsp,
        cr::read_cr2()
    );
    match regs.entry_vector {
        14 => regs.rip += 3,
        6 | 0x101 => {
            regs.rip = LAST.load(Relaxed) + 2;
            regs.cs = u64::from(init::GUEST_CS64);
            regs.rsp = STACK;
        }
        1 => LAST.store(regs.rip, Relaxed),
        13 => regs.rip += if regs.error_code == 0 { 1 } else { 2 },
        x if x & 0x200 != 0 => {
            log!("{regs:x?}");
            regs.cs = u64::from(init::GUEST_CS64);
            regs.rax = 0x555;
        }
        _ => {}
    }
}

/// The boot CPU is ready.
pub fn start(info: &'static BootInfo) -> ! {
    unsafe extern "C" {
        static blob: u8;
        static blob_end: u8;
    }
    let ram = fx_boot::Ranges::ram(info, 4096);
    let table = crate::boot::frames::table(&ram).unwrap();
    log!("frames up to {:x}, record {:?}", table.end(), table.get(Mfn(0x100)));
    let acpi = fx_acpi::Acpi::find(&crate::boot::firmware::Firmware, crate::boot::firmware::rsdp());
    match acpi {
        Ok(a) => log!("acpi {:x?}", a.madt(&crate::boot::firmware::Firmware)),
        Err(e) => log!("acpi {e:?}"),
    }
    let f = early::alloc(4096, 4096).unwrap();
    use fx_types::PhysMem;
    let p = paging::phys_ptr(f);
    // SAFETY: test.
    unsafe { core::ptr::write_bytes(p, 0x55, 4096) };
    let t = fx_x86::cpu::rdtsc();
    Machine.zero_frame(Mfn(f >> 12));
    let t2 = fx_x86::cpu::rdtsc();
    log!(
        "zero {} sum {}",
        t2 - t,
        // SAFETY: test.
        unsafe { core::slice::from_raw_parts(p, 4096) }.iter().map(|b| u64::from(*b)).sum::<u64>()
    );
    let t = fx_x86::cpu::rdtsc();
    Machine.copy_frame(Mfn(f >> 12), Mfn(0x100));
    let t2 = fx_x86::cpu::rdtsc();
    log!("copy {}", t2 - t);
    log!("started; {:x?}", init::features());
    if info.cmdline.contains("aps") {
        start_others();
    }
    let l4 = early::alloc(4096, 4096).unwrap();
    let mut pages = [l4; 5];
    for p in &mut pages[1..] {
        *p = early::alloc(4096, 4096).unwrap();
    }
    let [_, l3, l2, l1a, code] = pages;
    let stack = early::alloc(4096, 4096).unwrap();
    // SAFETY: test.
    unsafe {
        let put = |t: u64, i: usize, v: u64| paging::phys_ptr(t).cast::<u64>().add(i).write(v);
        let u = pte::P | pte::US | pte::RW;
        paging::slots().iter().enumerate().for_each(|(i, s)| put(l4, 256 + i, *s));
        put(l4, 0, l3 | u);
        put(l3, 0, l2 | u);
        put(l2, 2, l1a | u);
        put(l1a, 0, code | pte::P | pte::US);
        put(l1a, 0xff, stack | u);
        let len = (&raw const blob_end).offset_from_unsigned(&raw const blob);
        core::ptr::copy_nonoverlapping(&raw const blob, paging::phys_ptr(code), len);
        state::load_cr3(Mfn(l4 >> 12));
        CR3.store(l4, Relaxed);
        *block::guest_regs() = GuestRegs {
            rip: CODE,
            cs: init::GUEST_CS64.into(),
            rflags: rflags::guest(0),
            rsp: STACK,
            ss: init::GUEST_DS.into(),
            entry_vector: entry::SYSCALL64,
            ..GuestRegs::default()
        };
        exit::enter_guest()
    }
}
