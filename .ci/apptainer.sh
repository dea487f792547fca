#!/bin/sh
# Make DIRECTORY with bin/apptainer, which runs Debian sid's in a tree of its own: bookworm has none,
# and its C library is too old for that one. It sees /tmp of this machine, and nothing else.
# Needs root and debootstrap.
set -eu
directory=$1
mkdir -p "$directory/bin" "$directory/tree"
# A debootstrap that was interrupted leaves /proc mounted in the tree.
trap 'umount -q "$directory/tree/proc" "$directory/tree/sys" || true' EXIT
debootstrap --variant=minbase --include=apptainer,ca-certificates sid "$directory/tree" >"$directory/log" 2>&1 ||
    { tail -n 20 "$directory/log" >&2; exit 1; }
cp /etc/hosts "$directory/tree/etc/hosts"
touch "$directory/tree/etc/resolv.conf"
# root here may lack what it would ask for
sed -i 's/^root default capabilities.*/root default capabilities = no/' "$directory/tree/etc/apptainer/apptainer.conf"
mkdir -p "$directory/tree/old"
cat >"$directory/bin/apptainer" <<END
#!/bin/bash
exec unshare --mount bash -c '
mount --make-rprivate / && mount --bind "\$0" "\$0" && cd "\$0" || exit
for name in proc sys dev tmp; do mount --rbind "/\$name" "\$0/\$name" || exit; done
pivot_root . old && umount -l /old && exec apptainer "\$@"' "$directory/tree" "\$@"
END
chmod +x "$directory/bin/apptainer"
