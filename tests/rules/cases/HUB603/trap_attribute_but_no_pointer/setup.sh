git init -q -b main
head -c 4096 /dev/zero > unet.pth
printf "small" > tiny.pth
git add -A
printf "*.pth filter=lfs\n" > .gitattributes
git -c filter.lfs.process= -c filter.lfs.clean=cat -c filter.lfs.required=false add .gitattributes
