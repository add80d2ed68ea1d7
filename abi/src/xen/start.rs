//! The start information page of PV guests and Dom0's console information (`xen.h`).

/// Room for the command line in [`StartInfo`], in bytes with the final zero.
pub const MAX_GUEST_CMDLINE: usize = 1024;

consts! { u32;
    /// The domain is privileged.
    SIF_PRIVILEGED = 1 << 0;
    /// The domain is the initial control domain.
    SIF_INITDOMAIN = 1 << 1;
    /// `mod_start` is a list of multiboot modules.
    SIF_MULTIBOOT_MOD = 1 << 2;
    /// `mod_start` is a frame number.
    SIF_MOD_START_PFN = 1 << 3;
    /// The tools understand a virtually mapped p2m.
    SIF_VIRT_P2M_4TOOLS = 1 << 4;
    /// Options of power management.
    SIF_PM_MASK = 0xFF << 8;
}

consts! { u8;
    /// Text mode 3.
    XEN_VGATYPE_TEXT_MODE_3 = 0x03;
    /// VESA linear frame buffer.
    XEN_VGATYPE_VESA_LFB = 0x23;
    /// EFI linear frame buffer.
    XEN_VGATYPE_EFI_LFB = 0x70;
}

abi_struct! {
    /// What a PV guest finds at boot; RSI points to it.
    pub struct StartInfo {
        /// `xen-<version>-<platform>`.
        pub magic: [u8; 32],
        /// Pages of the domain.
        pub nr_pages: u64,
        /// Machine address of the shared information page.
        pub shared_info: u64,
        /// `SIF_*`.
        pub flags: u32,
        /// Padding.
        pub _pad0: u32,
        /// Machine frame of the xenstore ring.
        pub store_mfn: u64,
        /// Event channel of the xenstore ring.
        pub store_evtchn: u32,
        /// Padding.
        pub _pad1: u32,
        /// Union of [`StartConsoleDomu`] and [`StartConsoleDom0`].
        pub console: [u32; 4],
        /// Virtual address of the root page table.
        pub pt_base: u64,
        /// Number of bootstrap page-table frames.
        pub nr_pt_frames: u64,
        /// Virtual address of the p2m.
        pub mfn_list: u64,
        /// Virtual address (or frame, `SIF_MOD_START_PFN`) of the module.
        pub mod_start: u64,
        /// Size of the module in bytes.
        pub mod_len: u64,
        /// Command line, terminated by zero.
        pub cmd_line: [u8; MAX_GUEST_CMDLINE],
        /// First frame of the p2m.
        pub first_p2m_pfn: u64,
        /// Number of frames of the p2m.
        pub nr_p2m_frames: u64,
    }

    /// The console of an ordinary guest.
    pub struct StartConsoleDomu {
        /// Machine frame of the console ring.
        pub mfn: u64,
        /// Event channel of the console ring.
        pub evtchn: u32,
        /// Padding.
        pub _pad: u32,
    }

    /// The console of Dom0: where in the start page [`Dom0VgaConsoleInfo`] is.
    pub struct StartConsoleDom0 {
        /// Offset from the start of the page, in bytes.
        pub info_off: u32,
        /// Size in bytes.
        pub info_size: u32,
        /// Not used.
        pub _pad: [u32; 2],
    }

    /// One element of the module list of a PVH or multiboot guest (`xen_multiboot_mod_list`).
    pub struct MultibootModList {
        /// First byte.
        pub mod_start: u32,
        /// Last byte.
        pub mod_end: u32,
        /// Address of the command line.
        pub cmdline: u32,
        /// Zero.
        pub pad: u32,
    }

    /// The display of Dom0 (`dom0_vga_console_info`).
    pub struct Dom0VgaConsoleInfo {
        /// `XEN_VGATYPE_*`.
        pub video_type: u8,
        /// Padding.
        pub _pad: [u8; 3],
        /// Union of [`VgaTextMode3`] (its first bytes) and [`VgaVesaLfb`].
        pub u: [u32; 9],
    }

    /// Text mode.
    pub struct VgaTextMode3 {
        /// Pixels.
        pub font_height: u16,
        /// Column.
        pub cursor_x: u16,
        /// Row.
        pub cursor_y: u16,
        /// Characters.
        pub rows: u16,
        /// Characters.
        pub columns: u16,
    }

    /// Linear frame buffer.
    pub struct VgaVesaLfb {
        /// Pixels.
        pub width: u16,
        /// Pixels.
        pub height: u16,
        /// Bytes per scan line.
        pub bytes_per_line: u16,
        /// Bits per pixel.
        pub bits_per_pixel: u16,
        /// Physical address, low half.
        pub lfb_base: u32,
        /// Size in units of 64 KiB.
        pub lfb_size: u32,
        /// Lowest bit of red.
        pub red_pos: u8,
        /// Bits of red.
        pub red_size: u8,
        /// Lowest bit of green.
        pub green_pos: u8,
        /// Bits of green.
        pub green_size: u8,
        /// Lowest bit of blue.
        pub blue_pos: u8,
        /// Bits of blue.
        pub blue_size: u8,
        /// Lowest reserved bit.
        pub rsvd_pos: u8,
        /// Reserved bits.
        pub rsvd_size: u8,
        /// VESA capabilities.
        pub gbl_caps: u32,
        /// VESA mode attributes.
        pub mode_attrs: u16,
        /// Padding.
        pub pad: u16,
        /// Physical address, high half.
        pub ext_lfb_base: u32,
    }
}

impl StartInfo {
    /// The console, read as that of an ordinary guest.
    #[must_use]
    pub const fn console_domu(&self) -> StartConsoleDomu {
        zerocopy::transmute!(self.console)
    }

    /// Stores the console of an ordinary guest.
    pub const fn set_console_domu(&mut self, console: StartConsoleDomu) {
        self.console = zerocopy::transmute!(console);
    }

    /// The console, read as that of Dom0.
    #[must_use]
    pub const fn console_dom0(&self) -> StartConsoleDom0 {
        zerocopy::transmute!(self.console)
    }

    /// Stores the console of Dom0.
    pub const fn set_console_dom0(&mut self, console: StartConsoleDom0) {
        self.console = zerocopy::transmute!(console);
    }
}

impl Dom0VgaConsoleInfo {
    /// The display, read as a linear frame buffer.
    #[must_use]
    pub const fn vesa_lfb(&self) -> VgaVesaLfb {
        zerocopy::transmute!(self.u)
    }

    /// Stores a linear frame buffer.
    pub const fn set_vesa_lfb(&mut self, lfb: VgaVesaLfb) {
        self.u = zerocopy::transmute!(lfb);
    }

    /// Stores a text mode; the rest of the union becomes zero.
    pub const fn set_text_mode_3(&mut self, text: VgaTextMode3) {
        let t: [u16; 5] = zerocopy::transmute!(text);
        let mut words = [0u16; 18];
        let mut i = 0;
        while i < t.len() {
            words[i] = t[i];
            i += 1;
        }
        self.u = zerocopy::transmute!(words);
    }
}
