head -c 600000 /dev/zero > unet.pth
git init -q -b main
git add -A
head -c 900000 /dev/zero > untracked.bin
