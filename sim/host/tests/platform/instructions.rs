//! Instructions that the hypervisor emulates: what they do to devices when they cannot be completed.

use fx_sim_host::Step;
use fx_types::{GuestRegs, PhysMem};
use fx_virt::{Exit, Reason};
use xen_abi::hvm_save as s;
use zerocopy::FromBytes;

use crate::guest::{DEVICES, MS, Scene, byte, out, records, state_of};

const G: u16 = 5;
/// The guest's page, which is its page directory, and where in it there is code.
const PAGE: u64 = 0x1000;
const CODE: u64 = 0x800;
const INSB: u8 = 0x6c;
/// A page of 4 MiB, present and writable, at 0; and after it none.
const ENTRY: u32 = 0x83;
const ABSENT: u64 = 4 << 20;

/// `insb`.
fn insb(port: u16, to: u64) -> Step {
    let reason = Reason::Io { port, size: 1, input: true, string: true };
    let (rdx, rflags) = (port.into(), 0x202);
    (
        Exit { reason, length: 1, interrupted: None },
        GuestRegs { rip: PAGE + CODE, rdx, rdi: to, rflags, ..Default::default() },
    )
}

/// A guest with paging.
fn scene() -> Scene {
    let mut s = Scene::new(1);
    let domain = s.create(G, 1, DEVICES);
    let page = domain.hvm.as_ref().unwrap().p2m.get(s.hw(), PAGE >> 12).mfn;
    s.hw().write(page.addr(), &ENTRY.to_le_bytes());
    s.hw().write(page.at(CODE), &[INSB]);
    let saved = s.save(G);
    let mut state = records(&saved);
    let cpu = state.iter_mut().find(|r| r.0 == s::HVM_SAVE_CODE_CPU).unwrap();
    let k = s::HvmHwCpu::mut_from_bytes(&mut cpu.2).unwrap();
    (k.cr0, k.cr3, k.cr4) = (0x8000_0011, PAGE, 0x10);
    s.load(G, &state_of(&state)).unwrap();
    s.start(&domain);
    s
}

/// Reading register C of the clock drops what is in it. An `ins` that has nowhere to put it must not read it.
#[test]
fn input_without_a_target() {
    let mut s = scene();
    s.handle(|_| vec![]);
    // Twice a second.
    s.play([out(0x70, 0x0a), out(0x71, 0x2f), out(0x70, 0x0c), byte(0x71)], MS);
    s.hw().advance(500 * MS);
    s.play([insb(0x71, ABSENT)], 0);
    let events = s.hw().script().take_events();
    assert_eq!(events, [fx_virt::Event::exception(14, Some(2))]);
    assert_eq!(s.play([byte(0x71)], 0), [0x40], "the device has its datum still");
    s.hw().advance(500 * MS);
    s.play([insb(0x71, PAGE + 0x900)], 0);
    assert_eq!(s.hw().script().take_events(), []);
    assert_eq!(s.play([byte(0x71)], 0), [0], "it was read");
}

/// DR7 with `GD`, and without.
const GUARDED: u64 = 0x2400;
const FREE: u64 = 0x400;

/// A debug exception opens the debug registers for its handler, however it comes about.
#[test]
fn a_debug_exception_lets_its_handler_at_the_registers() {
    let mut s = scene();
    s.handle(|_| vec![]);
    let at = |reason, rflags| {
        let regs = GuestRegs { rip: PAGE + CODE, rflags, ..Default::default() };
        (Exit { reason, length: 1, interrupted: None }, regs)
    };
    let intercepted = at(Reason::Exception { vector: 1, error: 0, address: 0 }, 0x202);
    let stepped = at(Reason::Cpuid, 0x302);
    let undefined = at(Reason::Mwait, 0x202);
    for (step, vector, after) in [(intercepted, 1, FREE), (undefined, 6, GUARDED), (stepped, 1, FREE)] {
        set_dr7(&mut s, GUARDED);
        s.play([step], 0);
        assert_eq!(s.vectors(), [vector]);
        assert_eq!(dr7(&mut s), after);
    }
}

fn dr7(s: &mut Scene) -> u64 {
    let data = s.save_one(G, s::HVM_SAVE_CODE_CPU, 0).unwrap();
    s::HvmHwCpu::read_from_bytes(&data).unwrap().dr7
}

fn set_dr7(scene: &mut Scene, value: u64) {
    let mut all = records(&scene.save(G));
    let cpu = all.iter_mut().find(|(code, ..)| *code == s::HVM_SAVE_CODE_CPU).unwrap();
    s::HvmHwCpu::mut_from_bytes(&mut cpu.2).unwrap().dr7 = value;
    scene.load(G, &crate::guest::state_of(&all)).unwrap();
}
