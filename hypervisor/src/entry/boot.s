# From the boot loader to 64-bit Rust, and from an application processor's reset to the same. Everything in .boot.* runs at its
# physical address.

    .section .boot.header, "a", @progbits
    .balign 8
    # Multiboot 1: page-aligned modules, memory information.
    .long 0x1badb002, 0x3, -(0x1badb002 + 0x3)

    .balign 8
multiboot2:
    .long 0xe85250d6, 0, multiboot2_end - multiboot2, -(0xe85250d6 + (multiboot2_end - multiboot2))
    .word 6, 0                      # module alignment
    .long 8
    .word 5, 1                      # display, as it is best, if there is one
    .long 20, 0, 0, 0
    .long 0                         # padding
    .word 0, 0                      # end
    .long 8
multiboot2_end:

    .section .note.Xen, "a", @note
    .balign 4
    .long 4, 4, 18                  # XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .long start32

    .section .boot.data, "a", @progbits
    .balign 8
boot_gdt:
    .quad 0
    .quad 0x00af9b000000ffff        # 0x08: 64-bit code
    .quad 0x00cf93000000ffff        # 0x10: data
    .quad 0x00cf9b000000ffff        # 0x18: 32-bit code
boot_gdt_pointer:
    .word 31
    .long boot_gdt
    .long 0

    .section .boot.text, "ax", @progbits
    .code32
    .globl start32
start32:
    cli
    cld
    movl $boot_stack_phys, %esp
    movl %eax, %edi
    movl %ebx, %esi
    lgdt boot_gdt_pointer
    ljmp $0x18, $1f
1:  movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss

    movl $0x80000000, %eax
    cpuid
    cmpl $0x80000001, %eax
    jb unsupported
    movl $0x80000001, %eax
    cpuid
    btl $29, %edx                   # long mode
    jnc unsupported
    btl $20, %edx                   # no-execute
    jnc unsupported

    # Identity of the first 4 GiB in 2 MiB pages.
    movl $boot_l2_low_phys, %ebx
    movl $0x83, %eax
    movl $2048, %ecx
1:  movl %eax, (%ebx)
    addl $0x200000, %eax
    addl $8, %ebx
    loop 1b
    movl $boot_l3_low_phys, %ebx
    movl $(boot_l2_low_phys + 3), %eax
    movl $4, %ecx
1:  movl %eax, (%ebx)
    addl $0x1000, %eax
    addl $8, %ebx
    loop 1b
    # The image: 32 MiB from its load address.
    movl $boot_l2_image_phys, %ebx
    movl $0x200083, %eax
    movl $16, %ecx
1:  movl %eax, (%ebx)
    addl $0x200000, %eax
    addl $8, %ebx
    loop 1b
    movl $(boot_l2_image_phys + 3), boot_l3_image_phys + 321 * 8
    movl $(boot_l3_low_phys + 3), boot_l4_phys
    movl $(boot_l3_image_phys + 3), boot_l4_phys + 261 * 8

    call long_mode
    ljmp $0x08, $start64

unsupported:
    movl $0x3f8, %edx
    movl $refusal, %esi
1:  lodsb
    testb %al, %al
    jz 2f
    outb %al, %dx
    jmp 1b
2:  hlt
    jmp 2b

# Turns paging on with the boot tables.
long_mode:
    movl %cr4, %eax
    orl $0x20, %eax                 # PAE
    movl %eax, %cr4
    movl $boot_l4_phys, %eax
    movl %eax, %cr3
    movl $0xc0000080, %ecx
    rdmsr
    orl $0x901, %eax                # NXE, LME, SCE
    wrmsr
    movl $0x80010033, %eax          # PG, WP, NE, ET, MP, PE
    movl %eax, %cr0
    ret

# An application processor, from its trampoline.
ap_start32:
    movl $0x10, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl $boot_stack_phys, %esp
    call long_mode
    ljmp $0x08, $ap_start64

    .code64
start64:
    movabs $start_high, %rax
    jmp *%rax
ap_start64:
    movabs $ap_start_high, %rax
    jmp *%rax

    .section .boot.data
refusal:
    .asciz "free-xen: this processor has no long mode or no NX.\r\n"

    .text
start_high:
    leaq boot_stack_top(%rip), %rsp
    xorl %ebp, %ebp
    movl %edi, %edi
    movl %esi, %esi
    call boot_main
    ud2
ap_start_high:
    movq ap_cr3(%rip), %rax
    movq %rax, %cr3
    movq ap_stack(%rip), %rsp
    xorl %ebp, %ebp
    call ap_main
    ud2

# What an application processor executes first; copied to a page below 1 MiB. Nothing in it depends on where that is.
    .section .rodata.trampoline, "a", @progbits
    .code16
    .globl trampoline_start, trampoline_end
trampoline_start:
    cli
    cld
    movw %cs, %ax
    movw %ax, %ds
    lgdtl trampoline_gdt - trampoline_start
    movl %cr0, %eax
    orl $1, %eax
    movl %eax, %cr0
    .byte 0x66, 0xea                # far jump with a 32-bit offset
    .long ap_start32
    .word 0x18
trampoline_gdt:
    .word 31
    .long boot_gdt
trampoline_end:
    .code64

    .section .boot_tables, "aw", @nobits
    .balign 4096
    .globl boot_l4, boot_l3_low, boot_l2_low, boot_l3_image, boot_l2_image, boot_stack_top
boot_l4: .skip 4096
boot_l3_low: .skip 4096
boot_l2_low: .skip 4 * 4096
boot_l3_image: .skip 4096
boot_l2_image: .skip 4096
    .skip 0x10000
boot_stack_top:
    .text
