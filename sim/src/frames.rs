//! The records of the fake machine's frames.

use fx_frames::{CHUNK_FRAMES, FrameInfo, FrameTable};

/// Records for frames `0..frames`, all unused. They are never given back: the table holds them for ever, as in a hypervisor.
#[must_use]
pub fn frame_table(frames: u64) -> FrameTable {
    let mut chunks: Vec<Option<&'static [FrameInfo]>> = Vec::new();
    let mut left = frames;
    while left > 0 {
        let n = left.min(CHUNK_FRAMES);
        let chunk: Vec<FrameInfo> = (0..n).map(|_| FrameInfo::default()).collect();
        chunks.push(Some(chunk.leak()));
        left -= n;
    }
    FrameTable::new(chunks.leak())
}

#[cfg(test)]
mod tests {
    use super::*;
    use fx_types::Mfn;

    #[test]
    fn every_frame_has_a_record() {
        let t = frame_table(CHUNK_FRAMES + 3);
        assert_eq!(t.end(), CHUNK_FRAMES + 3);
        assert!(t.get(Mfn(CHUNK_FRAMES + 2)).is_some());
        assert!(t.get(Mfn(CHUNK_FRAMES + 3)).is_none());
    }
}
