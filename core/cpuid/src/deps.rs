//! Which features make no sense without which others (processor manuals; for state components the `XCR0` rules of the
//! Intel SDM volume 1, section 13.3).

use xen_abi::cpufeatureset::*;

use crate::featureset::Featureset;

/// A feature, and those that need it.
const NEEDED_BY: &[(u32, &[u32])] = &[
    (X86_FEATURE_FPU, &[X86_FEATURE_MMX, X86_FEATURE_RSTR_FP_ERR_PTRS]),
    (X86_FEATURE_PSE, &[X86_FEATURE_PSE36]),
    (X86_FEATURE_PAE, &[X86_FEATURE_LM, X86_FEATURE_NX]),
    (
        X86_FEATURE_TSC,
        &[X86_FEATURE_TSC_DEADLINE, X86_FEATURE_RDTSCP, X86_FEATURE_TSC_ADJUST, X86_FEATURE_ITSC],
    ),
    (X86_FEATURE_APIC, &[X86_FEATURE_X2APIC, X86_FEATURE_TSC_DEADLINE, X86_FEATURE_EXTAPIC]),
    (X86_FEATURE_MMX, &[X86_FEATURE_MMXEXT, X86_FEATURE_3DNOW]),
    (X86_FEATURE_3DNOW, &[X86_FEATURE_3DNOWEXT]),
    (X86_FEATURE_FXSR, &[X86_FEATURE_FFXSR, X86_FEATURE_SSE]),
    (X86_FEATURE_SSE, &[X86_FEATURE_SSE2, X86_FEATURE_MISALIGNSSE]),
    (
        X86_FEATURE_SSE2,
        &[
            X86_FEATURE_SSE3,
            X86_FEATURE_LM,
            X86_FEATURE_AESNI,
            X86_FEATURE_PCLMULQDQ,
            X86_FEATURE_SHA,
            X86_FEATURE_GFNI,
        ],
    ),
    (X86_FEATURE_SSE3, &[X86_FEATURE_SSSE3, X86_FEATURE_SSE4A]),
    (X86_FEATURE_SSSE3, &[X86_FEATURE_SSE4_1]),
    (X86_FEATURE_SSE4_1, &[X86_FEATURE_SSE4_2]),
    (X86_FEATURE_NX, &[X86_FEATURE_SMAP]),
    (
        X86_FEATURE_LM,
        &[
            X86_FEATURE_CX16,
            X86_FEATURE_PCID,
            X86_FEATURE_LAHF_LM,
            X86_FEATURE_PAGE1GB,
            X86_FEATURE_PKU,
            X86_FEATURE_PKS,
            X86_FEATURE_LA57,
            X86_FEATURE_NO_LMSL,
        ],
    ),
    (X86_FEATURE_PCID, &[X86_FEATURE_INVPCID]),
    (
        X86_FEATURE_XSAVE,
        &[
            X86_FEATURE_XSAVEOPT,
            X86_FEATURE_XSAVEC,
            X86_FEATURE_XGETBV1,
            X86_FEATURE_XSAVES,
            X86_FEATURE_XFD,
            X86_FEATURE_AVX,
            X86_FEATURE_MPX,
            X86_FEATURE_PKU,
            X86_FEATURE_LWP,
            X86_FEATURE_AMX_TILE,
        ],
    ),
    (
        X86_FEATURE_AVX,
        &[X86_FEATURE_FMA, X86_FEATURE_FMA4, X86_FEATURE_F16C, X86_FEATURE_AVX2, X86_FEATURE_XOP],
    ),
    (
        X86_FEATURE_AVX2,
        &[
            X86_FEATURE_AVX512F,
            X86_FEATURE_VAES,
            X86_FEATURE_VPCLMULQDQ,
            X86_FEATURE_AVX_VNNI,
            X86_FEATURE_AVX_IFMA,
            X86_FEATURE_AVX_VNNI_INT8,
            X86_FEATURE_AVX_VNNI_INT16,
            X86_FEATURE_AVX_NE_CONVERT,
            X86_FEATURE_SHA512,
            X86_FEATURE_SM3,
            X86_FEATURE_SM4,
        ],
    ),
    (
        X86_FEATURE_AVX512F,
        &[
            X86_FEATURE_AVX512DQ,
            X86_FEATURE_AVX512_IFMA,
            X86_FEATURE_AVX512PF,
            X86_FEATURE_AVX512ER,
            X86_FEATURE_AVX512CD,
            X86_FEATURE_AVX512BW,
            X86_FEATURE_AVX512VL,
            X86_FEATURE_AVX512_4VNNIW,
            X86_FEATURE_AVX512_4FMAPS,
            X86_FEATURE_AVX512_VNNI,
            X86_FEATURE_AVX512_VPOPCNTDQ,
            X86_FEATURE_AVX512_VP2INTERSECT,
        ],
    ),
    (
        X86_FEATURE_AVX512BW,
        &[
            X86_FEATURE_AVX512_VBMI,
            X86_FEATURE_AVX512_VBMI2,
            X86_FEATURE_AVX512_BITALG,
            X86_FEATURE_AVX512_BF16,
            X86_FEATURE_AVX512_FP16,
        ],
    ),
    (
        X86_FEATURE_AMX_TILE,
        &[X86_FEATURE_AMX_BF16, X86_FEATURE_AMX_INT8, X86_FEATURE_AMX_FP16, X86_FEATURE_AMX_COMPLEX],
    ),
    (X86_FEATURE_RTM, &[X86_FEATURE_TSXLDTRK]),
    // Sub-features of MSR_SPEC_CTRL and MSR_PRED_CMD.
    (
        X86_FEATURE_IBRSB,
        &[
            X86_FEATURE_STIBP,
            X86_FEATURE_SSBD,
            X86_FEATURE_INTEL_PSFD,
            X86_FEATURE_EIBRS,
            X86_FEATURE_IPRED_CTRL,
            X86_FEATURE_RRSBA_CTRL,
            X86_FEATURE_BHI_CTRL,
        ],
    ),
    (X86_FEATURE_EIBRS, &[X86_FEATURE_RRSBA]),
    (
        X86_FEATURE_IBRS,
        &[
            X86_FEATURE_AMD_STIBP,
            X86_FEATURE_AMD_SSBD,
            X86_FEATURE_PSFD,
            X86_FEATURE_AUTO_IBRS,
            X86_FEATURE_IBRS_ALWAYS,
            X86_FEATURE_IBRS_FAST,
            X86_FEATURE_IBRS_SAME_MODE,
        ],
    ),
    (X86_FEATURE_IBPB, &[X86_FEATURE_IBPB_RET, X86_FEATURE_SBPB, X86_FEATURE_IBPB_BRTYPE]),
    (X86_FEATURE_AMD_STIBP, &[X86_FEATURE_STIBP_ALWAYS]),
];

/// Removes every feature that needs one that is missing.
pub fn close(fs: &mut Featureset) {
    if !fs.has(X86_FEATURE_ARCH_CAPS) {
        fs.0[FEATURESET_M10AL] = 0;
        fs.0[FEATURESET_M10AH] = 0;
    }
    loop {
        let before = *fs;
        for (feature, dependents) in NEEDED_BY {
            if !fs.has(*feature) {
                fs.remove(dependents);
            }
        }
        if *fs == before {
            return;
        }
    }
}
