"""The application: everything around a lesson, and its assembly.

A lesson in progress is `signaling`'s, media is `mixer`'s, archives are `recorder`'s. Only
`server.app`, `server.parts` and the command line put the parts together; nobody imports `server`.

door         listening, patience with slow visitors, the shield, certificates, the pages
api          the HTTP interface: what may be asked, by whom, and the answers' shapes
accounts     people, passwords, sign-ins, one-time keys, guesses counted; who may do what, one table
schools      schools, classrooms, their devices' credentials, communities
importing    schools, classrooms, devices and people from a table in a file
lessons      timetable, admission, join tokens, the desk that opens and ends lessons
recordings   what is recorded, the recorder that is told, the library
children     processes beside the server, watched and started again
node         this machine's media core and what its hardware admits
database     tables, migrations, the data folder, deletion with a way back
metrics      what Prometheus and the live page read
demo         `tongke demo`; simulate: `tongke simulate`
"""
