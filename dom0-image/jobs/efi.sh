# efi: Dom0 knows that the machine was started by UEFI: firmware tables by way of EFI's, the display, and what is not there.
. /fx/jobs/lib.sh
[ -d /sys/firmware/efi ]
verdict $? sysfs "$(ls /sys/firmware/efi 2>&1 | tr '\n' ' ')"
grep -q '^ACPI20=0x' /sys/firmware/efi/systab
verdict $? acpi_by_efi "$(tr '\n' ' ' </sys/firmware/efi/systab)"
dmesg | grep -q 'efi: EFI v2.* by EDK II'
verdict $? version "$(dmesg | grep -o 'EFI v2.*')"
dmesg | grep -q 'fb0: EFI VGA frame buffer device'
verdict $? display "$(dmesg | grep -o 'efifb: mode is.*')"
[ ! -d /sys/firmware/efi/vars ] && ! ls /sys/firmware/efi/efivars/* 2>/dev/null
verdict $? no_variables
