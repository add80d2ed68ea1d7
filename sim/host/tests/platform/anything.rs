//! A guest, its device model and the toolstack do anything to the devices and the guest's local APIC. All the same the guest gets its
//! turn each time, so nothing keeps the hypervisor busy for good; it is not shut down; and nothing is left over.

use fx_sim_host::{Step, invariants, on_cpu};
use fx_types::DomId;
use xen_abi::dm_op as o;
use xen_abi::domctl as d;
use xen_abi::hvm_params as p;

use crate::dice::Dice;
use crate::guest::{DEVICES, MS, Scene, apic, eoi, io, load, out, route, store};

const G: u16 = 5;

fn value(dice: &mut Dice) -> u32 {
    let bits = dice.of(&[3, 8, 16, 32]);
    dice.below(1 << bits) as u32
}

fn step(dice: &mut Dice) -> Vec<Step> {
    const PORTS: [u16; 18] = [
        0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1, 0x40, 0x41, 0x42, 0x43, 0x61, 0x70, 0x71, 0x1f40, 0x1f42,
        0x1f48, 0xb000, 0xb008,
    ];
    let value = value(dice);
    match dice.below(10) {
        0..=2 => vec![io(dice.of(&PORTS), dice.of(&[1, 1, 1, 2, 4]), value, dice.one_in(3))],
        3 => vec![out(0x70, dice.below(16) as u32), out(0x71, value)],
        4 => route(dice.below(48) as u32, value & !0x600 | dice.of(&[0, 0x100, 0x400, 0x700])).to_vec(),
        5 => vec![store(0xfed0_0000 + 8 * dice.below(0x40), value)],
        6 => vec![store(0xfed0_0000 + dice.of(&[0x10, 0x100, 0x108, 0x120, 0x128, 0x148]), value)],
        7 => vec![load(dice.of(&[0xfec0_0000, 0xfed0_0000]) + dice.below(0x400))],
        // Its timer: divider, mode and vector, count.
        8 => vec![
            apic(0x3e0, value & 0xf),
            apic(0x320, (dice.below(4) as u32) << 17 | dice.of(&[0x41, value])),
            apic(0x380, dice.of(&[1, value])),
        ],
        _ => {
            vec![apic(dice.of(&[0x80, 0xb0, 0xf0, 0x350, 0x360]), dice.of(&[0, 0x1ff, 0x700, 0x400, value]))]
        }
    }
}

fn others(s: &mut Scene, dice: &mut Dice) {
    match dice.below(7) {
        0 => {
            let a = o::DmOpSetPciIntxLevel {
                device: dice.below(33) as u8,
                intx: dice.below(5) as u8,
                level: dice.below(2) as u8,
                ..Default::default()
            };
            let _ = s.dm_op(G, o::XEN_DMOP_SET_PCI_INTX_LEVEL, &a);
        }
        1 => {
            let a = o::DmOpSetIsaIrqLevel { isa_irq: dice.below(17) as u8, level: dice.below(2) as u8 };
            let _ = s.dm_op(G, o::XEN_DMOP_SET_ISA_IRQ_LEVEL, &a);
        }
        2 => {
            let a = o::DmOpSetPciLinkRoute { link: dice.below(5) as u8, isa_irq: dice.below(17) as u8 };
            let _ = s.dm_op(G, o::XEN_DMOP_SET_PCI_LINK_ROUTE, &a);
        }
        3 => {
            let a =
                o::DmOpInjectMsi { data: value(dice), pad: 0, addr: 0xfee0_0000 | u64::from(value(dice)) };
            let _ = s.dm_op(G, o::XEN_DMOP_INJECT_MSI, &a);
        }
        4 => {
            let saved = s.save(G);
            let _ = s.load(G, &saved);
        }
        5 => {
            let mut press = d::DomctlSendtrigger { trigger: d::XEN_DOMCTL_SENDTRIGGER_SLEEP, vcpu: 0 };
            let _ = s.domctl(G, d::XEN_DOMCTL_SENDTRIGGER, &mut press);
        }
        _ => {
            let via = dice.of(&[0, 9, 20, 47, 48, 1 << 56 | 3 << 11, 2 << 56 | 0xf3]);
            s.set_param(G, p::HVM_PARAM_CALLBACK_IRQ, via);
        }
    }
}

/// The life of one guest.
pub fn play(seed: u64) {
    let mut dice = Dice::new(seed);
    let mut s = Scene::new(1);
    let before = s.0.host.free.lock().free_frames();
    let domain = s.create(G, 2, DEVICES);
    s.set_param(G, p::HVM_PARAM_HPET_ENABLED, 1);
    s.set_param(G, p::HVM_PARAM_TIMER_MODE, dice.below(4));
    s.start(&domain);
    let mut way = 0u8;
    s.handle(move |vector| {
        way = way.wrapping_add(vector);
        match way % 4 {
            0 => vec![],
            1 => vec![out(0xa0, 0x20), out(0x20, 0x20)],
            2 => vec![out(0x70, 0x0c), io(0x71, 1, 0, true), eoi()],
            _ => vec![eoi()],
        }
    });
    for _ in 0..100 {
        let steps: Vec<_> = (0..8).flat_map(|_| step(&mut dice)).collect();
        let count = steps.len();
        let done = s.play(steps, dice.of(&[0, 0, MS, 5 * MS])).len();
        assert!(done >= count.min(1), "the guest gets its turn");
        others(&mut s, &mut dice);
        if dice.one_in(20) {
            s.hw().advance(dice.of(&[1, 1000, 10_000_000]) * MS);
        }
    }
    assert!(on_cpu(0, || domain.shutdown_code.load(std::sync::atomic::Ordering::SeqCst)) == u32::MAX);
    drop(domain);
    s.0.destroy(DomId(G));
    assert_eq!(s.0.host.free.lock().free_frames(), before);
    invariants::check_all(&s.0);
}

#[test]
fn anything() {
    // In the last two an NMI comes at once with an interrupt, of the 8259A's and of the local APIC's.
    (1..=4).chain([1088, 1451]).for_each(play);
}
