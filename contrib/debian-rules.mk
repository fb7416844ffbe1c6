
# Appended to debian/rules of Debian's postfix package: master_proto inside.
# MASTER_PROTO is the folder of master_proto, in which make has been run.
#
# The package's own rules have edited conf/makedefs.out after the build. With
# the new time of that file, make would compile all of Postfix again.
execute_after_dh_auto_build:
	touch -r Makefile conf/makedefs.out
	"$(MASTER_PROTO)/tools/postfix-object" replace "$(CURDIR)"
