# hvm-ovmf: the same disk as in hvm-seabios, started by EFI.
# Needs: guest-disk
FIRMWARE=ovmf FIRMWARE_SEEN=(efi efi)
. /fx/jobs/hvm-seabios.sh
