//! The list by which the reader finds the buffers: frames of each, then where the list of each CPU's frames begins, then these
//! lists.

use fx_types::{Mfn, PAGE_SIZE, PhysMem};

/// Bytes of the first number and of where a CPU's list begins, both of 16 bits.
const SHORT: usize = 2;
/// Bytes of a frame's number, the unit in which the lists' places are given.
const WORD: usize = 4;

/// How many bytes it takes, for so many CPUs with so many frames each; none when places would not fit in 16 bits.
#[must_use]
pub fn bytes(cpus: usize, frames: usize) -> Option<usize> {
    let words = cpus.checked_mul(frames)?.checked_add(first_list(cpus))?;
    if words > usize::from(u16::MAX) || frames > usize::from(u16::MAX) {
        None
    } else {
        words.checked_mul(WORD)
    }
}

/// Where the first list begins, in words.
fn first_list(cpus: usize) -> usize {
    cpus.saturating_add(1).saturating_mul(SHORT).div_ceil(WORD)
}

/// Writes the list at `at`, in frames that follow each other: what [`bytes`] says for as many CPUs and frames as there are.
pub fn write<'a, M: PhysMem>(mem: &M, at: Mfn, cpus: usize, buffers: impl Iterator<Item = &'a [Mfn]>) {
    let place = |offset: usize| at.add((offset as u64) / PAGE_SIZE).at((offset as u64) % PAGE_SIZE);
    let mut list = first_list(cpus);
    for (cpu, frames) in (1usize..).zip(buffers) {
        if cpu == 1 {
            mem.write(place(0), &(frames.len() as u16).to_le_bytes());
        }
        mem.write(place(cpu.saturating_mul(SHORT)), &(list as u16).to_le_bytes());
        for frame in frames {
            mem.store32(place(list.saturating_mul(WORD)), frame.0 as u32);
            list = list.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fx_sim::Ram;

    #[test]
    fn a_reader_finds_every_frame() {
        let (ram, at) = (Ram::new(8), Mfn(2));
        let buffers: [[Mfn; 700]; 2] =
            core::array::from_fn(|cpu| core::array::from_fn(|i| Mfn((cpu * 1000 + i) as u64)));
        assert_eq!(bytes(2, 700), Some((2 + 1400) * 4));
        write(&ram, at, 2, buffers.iter().map(|b| &b[..]));
        let short = |n: u64| {
            let mut b = [0; 2];
            ram.read(at.at(n * 2), &mut b);
            u16::from_le_bytes(b)
        };
        assert_eq!(short(0), 700);
        for (cpu, buffer) in (0u64..).zip(&buffers) {
            for (i, frame) in (0u64..).zip(buffer) {
                let offset = u64::from(short(cpu + 1)) * 4 + i * 4;
                assert_eq!(u64::from(ram.load32(at.add(offset / 4096).at(offset % 4096))), frame.0);
            }
        }
        assert_eq!((bytes(1, 65_535), bytes(4096, 32)), (None, None));
    }
}
