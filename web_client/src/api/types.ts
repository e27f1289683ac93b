// The nouns of the HTTP interface (docs/http_api.md) as the pages call them. Their shapes are
// generated from the server's own description (`make api`). Times are seconds since 1970.

import type { components } from "./shapes.ts";

type Shapes = components["schemas"];

export type User = Shapes["UserView"];
export type SessionAnswer = Shapes["SessionView"];
export type School = Shapes["SchoolView"];
export type Classroom = Shapes["ClassroomView"];
export type Credential = Shapes["CredentialView"];
export type WaitingScreen = Shapes["WaitingView"];
export type RoomFile = Shapes["RoomFileView"];
export type RoomCheck = Shapes["RoomCheckView"];
export type Pairing = Shapes["PairingView"];
export type Trust = Shapes["TrustView"];
export type Certificate = Shapes["CertificateView"];
export type Acme = Shapes["AcmeView"];
export type NewCredential = Shapes["NewCredentialView"];
export type SourceKey = Shapes["SourceKeyView"];
export type NewSourceKey = Shapes["NewSourceKeyView"];
export type Community = Shapes["CommunityView"];
export type Profile = Shapes["ProfileView"];
export type LessonSeat = Shapes["SeatView"];
export type Lesson = Shapes["LessonView"];
export type Clash = Shapes["ClashView"];
export type NewLesson = Shapes["LessonBody"];
export type NewSeries = Shapes["SeriesBody"];
export type LessonChange = Shapes["LessonChange"];
export type JoinToken = Shapes["TokenView"];
export type RoomAnswer = Shapes["RoomView"];
export type Preview = Shapes["PreviewView"];
export type ImportRow = Shapes["ImportRowView"];
export type Imported = Shapes["ImportedView"];
export type ThisServer = Shapes["ThisServerView"];
export type RoomProfile = Shapes["RoomProfileView"];
export type LineProbe = Shapes["LineProbeView"];
/** How a waiting room's camera, sound and line are: said by it, shown to its teacher. */
export type Readiness = Shapes["ReadinessView"];
export type SeatReadiness = Shapes["SeatReadinessView"];
export type Keeping = Shapes["RetentionView"];
export type Planned = Shapes["PlannedView"];
export type ArchiveAct = Shapes["ArchiveActView"];
export type Deleted = Shapes["DeletedView"];
export type LineStats = Shapes["LineView"];
export type LayerStats = Shapes["LayerView"];
export type SentStats = Shapes["SentView"];
export type ReceivedStats = Shapes["ReceivedView"];
export type DeviceStats = Shapes["DeviceStatsView"];
export type SeatStats = Shapes["SeatStatsView"];
export type LessonStats = Shapes["LessonStatsView"];
export type Measure = Shapes["MeasureView"];
export type NodeStats = Shapes["NodeView"];
export type LiveAnswer = Shapes["LiveView"];
export type WithheldReason = ReceivedStats["reason"];

export type Watch = Shapes["WatchView"];
export type Push = Shapes["PushView"];
export type Recording = Shapes["RecordingView"];
export type LessonFile = Shapes["LessonFileView"];
export type Part = Shapes["PartView"];
export type RecordedEvent = Shapes["RecordedEvent"];
export type Pause = Shapes["PauseView"];

export type Strip = Shapes["Strip"];
