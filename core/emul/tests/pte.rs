//! Writes to page-table entries.

use fx_emul::{Outcome, PteAccess, PteOp, PteRefusal, decode_pte_write};
use fx_types::GuestRegs;

const VA: u64 = 0xffff_8880_1234_5678;
const DONE: Outcome = Outcome::Done { single_step: false };
const PTE: u64 = 0x8000_0000_1234_5067;

struct Entry {
    value: u64,
    interfere: u32,
    answer: Result<(), PteRefusal>,
    source: u64,
}

impl PteAccess for Entry {
    fn read(&self) -> u64 {
        self.value
    }
    fn cas(&mut self, old: u64, new: u64) -> Result<(), PteRefusal> {
        if self.interfere > 0 {
            self.interfere -= 1;
            self.value ^= 0x40;
            return Err(PteRefusal::Changed);
        }
        assert_eq!(old, self.value);
        if self.answer.is_ok() {
            self.value = new;
        }
        self.answer
    }
    fn load(&mut self, va: u64, size: u8) -> Option<u64> {
        assert_eq!((va, size), (0x1000, 8));
        Some(self.source)
    }
}

fn entry() -> Entry {
    Entry { value: PTE, interfere: 0, answer: Ok(()), source: 0x55 }
}

fn regs() -> GuestRegs {
    GuestRegs {
        rdi: VA,
        rsi: 0x1000,
        rax: PTE,
        rdx: 0x1_0000_0001,
        rcx: 3,
        rflags: 2,
        ..GuestRegs::default()
    }
}

/// Runs `insn` on [`PTE`] and returns the entry and the registers after it.
fn run(insn: &[u8], r: GuestRegs, va: u64) -> (u64, GuestRegs) {
    let mut r = r;
    let mut padded = insn.to_vec();
    padded.resize(15, 0xcc);
    let w = decode_pte_write(&padded, &r, va).unwrap_or_else(|| panic!("{insn:x?}"));
    assert_eq!(usize::from(w.insn_len), insn.len());
    let mut e = entry();
    assert_eq!(w.execute(&mut r, &mut e), DONE, "{insn:x?}");
    assert_eq!(r.rip, insn.len() as u64);
    (e.value, r)
}

fn value(insn: &[u8]) -> u64 {
    run(insn, regs(), VA).0
}

#[test]
fn moves() {
    let rdx = 0x1_0000_0001;
    assert_eq!(value(&[0x48, 0x89, 0x17]), rdx); // mov %rdx,(%rdi)
    assert_eq!(value(&[0x89, 0x17]), (PTE & !0xffff_ffff) | 1); // mov %edx,(%rdi)
    assert_eq!(value(&[0x48, 0xc7, 0x07, 0, 0, 0, 0]), 0); // movq $0,(%rdi)
    assert_eq!(value(&[0x48, 0xc7, 0x07, 0xff, 0xff, 0xff, 0xff]), u64::MAX);
    assert_eq!(value(&[0xc6, 0x07, 0x11]), (PTE & !0xff) | 0x11);
    assert_eq!(value(&[0x66, 0x89, 0x17]), (PTE & !0xffff) | 1);
    assert_eq!(value(&[0x48, 0x0f, 0xc3, 0x17]), rdx); // movnti
    let mut absolute = vec![0x48, 0xa3];
    absolute.extend(VA.to_le_bytes());
    assert_eq!(value(&absolute), PTE);
}

#[test]
fn addressing() {
    let rdx = 0x1_0000_0001;
    let at = |insn: &[u8], r| run(insn, r, VA).0;
    assert_eq!(at(&[0x48, 0x89, 0x57, 0xf8], GuestRegs { rdi: VA + 8, ..regs() }), rdx);
    assert_eq!(at(&[0x48, 0x89, 0x14, 0xcf], GuestRegs { rdi: VA - 24, ..regs() }), rdx); // (%rdi,%rcx,8)
    assert_eq!(at(&[0x49, 0x89, 0x14, 0x24], GuestRegs { r12: VA, ..regs() }), rdx); // (%r12)
    assert_eq!(at(&[0x49, 0x89, 0x55, 0x00], GuestRegs { r13: VA, ..regs() }), rdx); // 0(%r13)
    let r = GuestRegs { rcx: VA, ..regs() };
    let mut insn = vec![0x48, 0x89, 0x91, 0x10, 0, 0, 0];
    assert_eq!(at(&insn, GuestRegs { rcx: VA - 0x10, ..r }), rdx);
    // rip-relative, with an immediate behind the displacement
    insn = vec![0x48, 0xc7, 0x05, 0x10, 0, 0, 0, 9, 0, 0, 0];
    let r = GuestRegs { rip: VA - 0x10 - 11, ..regs() };
    assert_eq!(decode_pte_write(&insn, &r, VA).unwrap().store_value(), Some((9, 8)));
    assert_eq!(decode_pte_write(&insn, &r, VA + 8), None);
    // A segment base is not known: the fault's address counts.
    assert!(decode_pte_write(&[0x65, 0x48, 0x89, 0x17], &regs(), VA + 0x800).is_some());
}

#[test]
fn exchanges() {
    let (v, r) = run(&[0x48, 0x87, 0x17], regs(), VA);
    assert_eq!((v, r.rdx), (0x1_0000_0001, PTE));
    let (v, r) = run(&[0x86, 0x37], regs(), VA); // xchg %dh,(%rdi)
    assert_eq!((v, r.rdx), (PTE & !0xff, 0x1_0000_6701));
    let (v, r) = run(&[0x40, 0x86, 0x37], regs(), VA); // xchg %sil,(%rdi)
    assert_eq!((v, r.rsi), (PTE & !0xff, 0x1067));
    let (v, r) = run(&[0xf0, 0x48, 0x0f, 0xb1, 0x17], regs(), VA);
    assert_eq!((v, r.rflags), (0x1_0000_0001, 0x46));
    let (v, r) = run(&[0xf0, 0x48, 0x0f, 0xb1, 0x17], GuestRegs { rax: 1, ..regs() }, VA);
    assert_eq!((v, r.rax, r.rflags & 0x40), (PTE, PTE, 0));
    let (v, r) = run(&[0xf0, 0x48, 0x0f, 0xc1, 0x17], regs(), VA);
    assert_eq!((v, r.rdx), (PTE + 0x1_0000_0001, PTE));
    let r = GuestRegs { rax: PTE, rdx: PTE >> 32, rbx: 7, rcx: 0, ..regs() };
    let (v, r) = run(&[0xf0, 0x0f, 0xc7, 0x0f], r, VA);
    assert_eq!((v, r.rflags), (7, 0x42));
    let (v, r) = run(&[0xf0, 0x0f, 0xc7, 0x0f], GuestRegs { rdx: 0, rip: 0, ..r }, VA);
    assert_eq!((v, r.rdx, r.rax), (PTE, PTE >> 32, PTE & 0xffff_ffff));
}

#[test]
fn arithmetic_and_bits() {
    assert_eq!(value(&[0xf0, 0x80, 0x27, 0xfd]), PTE & !2); // lock andb
    assert_eq!(value(&[0x48, 0x83, 0x27, 0xfd]), PTE & !2);
    assert_eq!(value(&[0x48, 0x81, 0x0f, 0, 8, 0, 0]), PTE | 0x800);
    assert_eq!(value(&[0x48, 0x21, 0x17]), 1);
    assert_eq!(value(&[0x48, 0x09, 0x17]), PTE | 0x1_0000_0001);
    assert_eq!(value(&[0x48, 0x31, 0x17]), PTE ^ 0x1_0000_0001);
    assert_eq!(value(&[0x48, 0x01, 0x17]), PTE + 0x1_0000_0001);
    assert_eq!(value(&[0x48, 0x29, 0x17]), PTE - 0x1_0000_0001);
    assert_eq!(value(&[0x48, 0xff, 0x07]), PTE + 1);
    assert_eq!(value(&[0x48, 0xff, 0x0f]), PTE - 1);
    assert_eq!(value(&[0x48, 0xf7, 0x17]), !PTE);
    assert_eq!(value(&[0x48, 0xf7, 0x1f]), PTE.wrapping_neg());
    // lock btrq $5,(%rdi): the accessed bit was set
    let (v, r) = run(&[0xf0, 0x48, 0x0f, 0xba, 0x37, 5], regs(), VA);
    assert_eq!((v, r.rflags & 1), (PTE & !0x20, 1));
    let (v, r) = run(&[0xf0, 0x48, 0x0f, 0xba, 0x2f, 3], regs(), VA);
    assert_eq!((v, r.rflags & 1), (PTE | 8, 0));
    // A bit number in a register reaches other words, below too.
    let r = GuestRegs { rdx: 64 + 6, rdi: VA - 8, ..regs() };
    assert_eq!(run(&[0x48, 0x0f, 0xb3, 0x17], r, VA).0, PTE & !0x40);
    let r = GuestRegs { rdx: (-58i64) as u64, rdi: VA + 8, ..regs() };
    assert_eq!(run(&[0x48, 0x0f, 0xbb, 0x17], r, VA).0, PTE ^ 0x40);
    assert_eq!(run(&[0x48, 0x0f, 0xab, 0x0f], regs(), VA).0, PTE | 8);
}

#[test]
fn parts_of_an_entry() {
    let r = GuestRegs { rdi: VA + 4, ..regs() };
    assert_eq!(run(&[0xc7, 0x07, 5, 0, 0, 0], r, VA + 4).0, (PTE & 0xffff_ffff) | (5 << 32));
    assert_eq!(run(&[0xc6, 0x47, 3, 0], r, VA + 7).0, PTE & 0x00ff_ffff_ffff_ffff);
}

#[test]
fn strings() {
    let (v, r) = run(&[0x48, 0xab], GuestRegs { rax: 9, ..regs() }, VA);
    assert_eq!((v, r.rdi, r.rcx), (9, VA + 8, 3));
    let (v, r) = run(&[0x48, 0xa5], GuestRegs { rflags: 0x402, ..regs() }, VA);
    assert_eq!((v, r.rdi, r.rsi), (0x55, VA - 8, 0xff8));
    let mut r = regs();
    let mut e = entry();
    for left in [2, 1] {
        let w = decode_pte_write(&[0xf3, 0x48, 0xab], &r, r.rdi).unwrap();
        assert_eq!(w.execute(&mut r, &mut e), Outcome::Again);
        assert_eq!((r.rcx, r.rip), (left, 0));
    }
    let w = decode_pte_write(&[0xf3, 0x48, 0xab], &r, r.rdi).unwrap();
    assert_eq!(w.execute(&mut r, &mut e), DONE);
    assert_eq!((r.rcx, r.rip, r.rdi), (0, 3, VA + 24));
    assert_eq!(decode_pte_write(&[0xf3, 0x48, 0xab], &r, r.rdi), None);
}

#[test]
fn refusals() {
    let r = regs();
    let w = decode_pte_write(&[0x48, 0x87, 0x17], &r, VA).unwrap();
    assert_eq!(w.op, PteOp::Xchg);
    for (answer, interfere, want) in [
        (Err(PteRefusal::Denied), 0, Outcome::NotHandled),
        (Err(PteRefusal::Again), 0, Outcome::Again),
        (Ok(()), 100, Outcome::Again),
    ] {
        let mut after = r;
        let mut e = Entry { answer, interfere, ..entry() };
        assert_eq!(w.execute(&mut after, &mut e), want);
        assert_eq!(after, r);
    }
    let mut after = r;
    let mut e = Entry { interfere: 3, ..entry() };
    assert_eq!(w.execute(&mut after, &mut e), DONE);
    assert_eq!((e.value, after.rdx), (r.rdx, PTE ^ 0x40));
    assert_eq!(w.skip(&mut after), DONE);
    assert_eq!(after.rip, 6);
}

#[test]
fn what_is_not_a_write() {
    for insn in [
        &[0x48, 0x8b, 0x17][..],         // mov (%rdi),%rdx
        &[0x48, 0x89, 0xd7],             // mov %rdx,%rdi
        &[0x48, 0x39, 0x17],             // cmp
        &[0x48, 0x83, 0x3f, 0],          // cmp $0
        &[0x48, 0x0f, 0xba, 0x27, 5],    // bt
        &[0xf0, 0x48, 0x0f, 0xc7, 0x0f], // cmpxchg16b
        &[0xff, 0x17],                   // call *(%rdi)
        &[0x48, 0xc7, 0x07, 0, 0, 0],    // cut off
        &[],
    ] {
        assert_eq!(decode_pte_write(insn, &regs(), VA), None, "{insn:x?}");
    }
    assert_eq!(decode_pte_write(&[0x48, 0x89, 0x17], &GuestRegs { rdi: VA + 4, ..regs() }, VA + 4), None);
}
