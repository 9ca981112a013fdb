git init -q -b main
printf "*.pth filter=lfs diff=lfs merge=lfs -text\n" > .gitattributes
printf "version https://git-lfs.github.com/spec/v1\noid sha256:%064d\nsize 12345\n" 7 > unet.pth
git -c filter.lfs.process= -c filter.lfs.clean=cat -c filter.lfs.required=false add -A
