# hvm-ovmf: the same disk as in hvm-seabios, started by EFI. With 256 MiB GRUB runs out of memory there.
# Needs: guest-disk
MEMORY=512 FIRMWARE=ovmf FIRMWARE_SEEN=(efi efi)
. /fx/jobs/hvm-seabios.sh
