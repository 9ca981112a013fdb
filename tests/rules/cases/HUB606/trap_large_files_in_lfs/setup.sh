printf "*.pth -text filter=lfs\n" > .gitattributes
printf "version https://git-lfs.github.com/spec/v1\noid sha256:%064d\nsize 104857601\n" 0 > unet.pth
git init -q -b main
git -c filter.lfs.clean=cat add -A
dd if=/dev/null of=unet.pth bs=1 seek=104857601
