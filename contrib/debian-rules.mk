
# Append this to debian/rules of Debian's postfix package to build it with master_proto.
# MASTER_PROTO is the directory of master_proto, after make.
#
# The package's own rules edit conf/makedefs.out after the build. With the new time of
# that file, make would compile all of Postfix again.
execute_after_dh_auto_build:
	touch -r Makefile conf/makedefs.out
	"$(MASTER_PROTO)/tools/postfix-object" replace "$(CURDIR)"
