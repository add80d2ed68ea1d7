//! Copies of literals and matches: in steps of 16 bytes that may overrun their end, where there is room for that.

/// Bytes that a copy may read or write behind its end.
pub const SLACK: usize = 16;
const STEP: u32 = SLACK as u32;

/// Copies `len` bytes (at least one step) from `from[from_at..]` to `to[at..]`.
#[inline(always)]
pub fn literals(to: &mut [u8], at: u32, from: &[u8], from_at: u32, len: u32) -> Option<()> {
    let mut done = 0u32;
    loop {
        let step: [u8; SLACK] = load(from, from_at.wrapping_add(done))?;
        store(to, at.wrapping_add(done), step)?;
        done = done.wrapping_add(STEP);
        if done >= len {
            return Some(());
        }
    }
}

/// Copies `len` bytes (at least one step) to `out[at..]` from `offset` bytes before that.
#[inline(always)]
pub fn repeat(out: &mut [u8], at: u32, offset: u32, len: u32) -> Option<()> {
    let from = at.checked_sub(offset)?;
    if offset < STEP {
        return repeat_near(out, at, from, len);
    }
    let mut done = 0u32;
    loop {
        let step: [u8; SLACK] = load(out, from.wrapping_add(done))?;
        store(out, at.wrapping_add(done), step)?;
        done = done.wrapping_add(STEP);
        if done >= len {
            return Some(());
        }
    }
}

/// [`repeat`] where source and destination overlap within a step: the pattern fills words, which are written so that each
/// starts with the pattern.
#[inline(never)]
fn repeat_near(out: &mut [u8], at: u32, from: u32, len: u32) -> Option<()> {
    const WORD: u32 = 8;
    const LONG: u32 = 128;
    let offset = at.wrapping_sub(from);
    if len >= LONG {
        return repeat_exact(out, at, offset, len);
    }
    if offset >= WORD {
        let mut done = 0u32;
        while done < len {
            let word: [u8; WORD as usize] = load(out, from.wrapping_add(done))?;
            store(out, at.wrapping_add(done), word)?;
            done = done.wrapping_add(WORD);
        }
        return Some(());
    }
    let mut width = offset.wrapping_mul(8);
    let mut word = u64::from_le_bytes(load(out, from)?) & 1u64.checked_shl(width)?.wrapping_sub(1);
    while width < u64::BITS && width != 0 {
        word |= word.wrapping_shl(width);
        width = width.wrapping_mul(2);
    }
    let step = WORD.wrapping_sub(WORD.checked_rem(offset)?);
    let mut done = 0u32;
    while done < len {
        store(out, at.wrapping_add(done), word.to_le_bytes())?;
        done = done.wrapping_add(step);
    }
    Some(())
}

/// As [`literals`], without overrunning.
pub fn literals_exact(to: &mut [u8], at: u32, from: &[u8], from_at: u32, len: u32) -> Option<()> {
    let range = |at: u32| Some(at as usize..(at as usize).checked_add(len as usize)?);
    to.get_mut(range(at)?)?.copy_from_slice(from.get(range(from_at)?)?);
    Some(())
}

/// As [`repeat`], without overrunning. The copied part doubles with every step: source and destination never overlap.
pub fn repeat_exact(out: &mut [u8], at: u32, offset: u32, len: u32) -> Option<()> {
    let from = at.checked_sub(offset).filter(|from| *from != at)?;
    let end = (at as usize).checked_add(len as usize)?;
    let area = out.get_mut(from as usize..end)?;
    let mut known = offset as usize;
    while known < area.len() {
        let (source, rest) = area.split_at_mut_checked(known)?;
        let n = known.min(rest.len());
        rest.get_mut(..n)?.copy_from_slice(source.get(..n)?);
        known = known.wrapping_add(n);
    }
    Some(())
}

#[inline(always)]
fn load<const N: usize>(from: &[u8], at: u32) -> Option<[u8; N]> {
    let at = at as usize;
    from.get(at..at.wrapping_add(N))?.first_chunk().copied()
}

#[inline(always)]
fn store<const N: usize>(to: &mut [u8], at: u32, v: [u8; N]) -> Option<()> {
    let at = at as usize;
    *to.get_mut(at..at.wrapping_add(N))?.first_chunk_mut()? = v;
    Some(())
}
