//! Tests of the log as a whole.

use super::*;
use core::cell::Cell;
use fx_types::Clock;
use std::cell::RefCell;
use std::string::{String, ToString};
use std::vec;
use std::vec::Vec;

#[derive(Default)]
struct Screen(RefCell<Vec<u8>>);

impl Sink for Screen {
    fn put(&self, bytes: &[u8]) {
        self.0.borrow_mut().extend_from_slice(bytes);
    }
}

#[derive(Default)]
struct Fake(Cell<u64>);

impl Clock for Fake {
    fn now(&self) -> u64 {
        self.0.set(self.0.get() + 1);
        self.0.get()
    }
}

type TestLog = Log<Screen, Fake>;

fn log() -> TestLog {
    let l = Log::new(Screen::default(), Fake::default());
    l.attach_ring(vec![0; 1 << 16]);
    l
}

fn seen(l: &TestLog) -> String {
    String::from_utf8(l.sink().0.take()).unwrap()
}

fn ring(l: &TestLog) -> String {
    let mut b = vec![0; 1 << 16];
    let n = l.read(true, false, 0, &mut b).count;
    String::from_utf8(b[..n].to_vec()).unwrap()
}

#[test]
fn lines_have_prefixes() {
    let l = log();
    l.write(Level::Warning, b"one\ntwo ");
    l.write(Level::Error, b"more\n");
    l.print(Level::Error, format_args!("{}-{}\n", 1, 2));
    let expected = "(XEN) one\n(XEN) two more\n(XEN) 1-2\n";
    assert_eq!(seen(&l), expected);
    assert_eq!(ring(&l), expected);
    assert!(l.take_fresh() && !l.take_fresh());
}

#[test]
fn levels_decide() {
    let l = log();
    l.write(Level::Info, b"no\n");
    l.guest_print(Level::Info, format_args!("no\n"));
    l.guest_print(Level::Warning, format_args!("yes\n"));
    l.levels.set(4, 4);
    l.write(Level::Debug, b"yes\n");
    l.levels.set(0, 0);
    l.write(Level::Error, b"no\n");
    l.always(format_args!("always\n"));
    l.emergency(format_args!("last\n"));
    assert_eq!(seen(&l), "(XEN) yes\n(XEN) yes\n(XEN) always\n(XEN) last\n");
    assert_eq!(l.levels.get(), (0, 0));
}

#[test]
fn guests_are_limited() {
    let l = log();
    for i in 0..25 {
        l.guest_print(Level::Warning, format_args!("{i}\n"));
    }
    assert_eq!(seen(&l).lines().count(), 10);
    l.clock_for_test().0.set(5_100_000_000);
    l.guest_print(Level::Warning, format_args!("again\n"));
    assert_eq!(seen(&l), "(XEN) printk: 15 messages suppressed.\n(XEN) again\n");
    l.guest_print(Level::Warning, format_args!("no\n"));
    assert_eq!(seen(&l), "");
}

#[test]
fn guests_write_lines() {
    let l = log();
    let mut line = GuestLine::new();
    l.guest_write(1, &mut line, b"hidden\n");
    l.guest_levels.set(4, 4);
    l.guest_write(1, &mut line, b"hel");
    assert_eq!(seen(&l), "");
    l.guest_write(1, &mut line, b"lo\x1b[m\r\nnext\n");
    assert_eq!(seen(&l), "(d1) hello[m\n(d1) next\n");
    l.guest_write(7, &mut line, &[b'x'; 250]);
    assert_eq!(seen(&l).len(), 5 + 200 + 1);
    l.write(Level::Error, b"after");
    l.guest_write(7, &mut line, b"\n");
    assert_eq!(&seen(&l)[..19], "(XEN) after\n(d7) xx");
}

#[test]
fn each_guest_has_its_own_limit() {
    let l = log();
    l.guest_levels.set(0, 4);
    let mut lines = [GuestLine::new(), GuestLine::new()];
    for _ in 0..30 {
        l.guest_write(1, &mut lines[0], b"flood\n");
    }
    l.guest_write(2, &mut lines[1], b"drop\n");
    l.guest_print(Level::Warning, format_args!("d3: crashed\n"));
    let seen = seen(&l);
    assert_eq!(seen.lines().filter(|s| *s == "(d1) flood").count(), 10, "{seen}");
    assert!(seen.ends_with("(d2) drop\n(XEN) d3: crashed\n"), "{seen}");
}

#[test]
fn dom0_writes_as_it_likes() {
    let l = log();
    l.hwdom_write(b"\x1b[1mlogin: ");
    assert_eq!(seen(&l), "\x1b[1mlogin: ");
    assert_eq!(ring(&l), "");
    l.set_guests_to_ring(true);
    l.hwdom_write(b"x");
    assert_eq!(ring(&l), "x");
}

#[test]
fn stamps_follow_the_prefix() {
    let l = log();
    l.set_stamps(Stamps::Boot);
    l.clock_for_test().0.set(1_999_999_999);
    l.write(Level::Error, b"a\nb\n");
    assert_eq!(seen(&l), "(XEN) [    2.000000] a\n(XEN) [    2.000000] b\n");
    l.set_stamps(Stamps::Date);
    l.set_epoch(1_700_000_000_000_000_000);
    l.write(Level::Error, b"c\n");
    assert_eq!(seen(&l), "(XEN) [2023-11-14 22:13:22] c\n");
}

#[test]
fn early_messages_survive_the_change_of_rings() {
    let l: TestLog = Log::new(Screen::default(), Fake::default());
    l.write(Level::Error, b"early\n");
    l.attach_ring(vec![0; 20_000]);
    l.write(Level::Error, b"late\n");
    assert_eq!(ring(&l), "(XEN) early\n(XEN) late\n".to_string());
    assert_eq!(ring(&l), "");
}

#[test]
fn cpus_do_not_mix_their_lines() {
    struct Null;
    impl Sink for Null {
        fn put(&self, _: &[u8]) {}
    }
    struct Zero;
    impl Clock for Zero {
        fn now(&self) -> u64 {
            0
        }
    }
    fx_sync::set_relax_hook(std::thread::yield_now);
    let l = Log::new(Null, Zero);
    l.attach_ring(vec![0; 1 << 16]);
    std::thread::scope(|s| {
        for t in 0..3 {
            let l = &l;
            s.spawn(move || {
                for i in 0..500 {
                    l.print(Level::Error, format_args!("cpu{t} {i} {t}upc\n"));
                }
            });
        }
    });
    let mut b = vec![0; 1 << 16];
    let n = l.read(false, false, 0, &mut b).count;
    let text = std::str::from_utf8(&b[..n]).unwrap();
    assert_eq!(text.lines().count(), 1500);
    for line in text.lines() {
        let w: Vec<&str> = line.split(' ').collect();
        assert!(w.len() == 4 && w[0] == "(XEN)" && w[1].as_bytes()[3] == w[3].as_bytes()[0], "{line}");
    }
}
