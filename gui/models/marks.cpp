#include "gui/models/marks.h"

#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <filesystem>

#include "proto/base/files.h"

namespace pipeloom::gui {

std::string marks_path(const std::string& path) {
  return path + ".marks";
}

Result<std::vector<Mark>> read_marks(const std::string& path) {
  std::vector<Mark> marks;
  if (!std::filesystem::exists(path)) return marks;
  PIPELOOM_TRY(const std::string content, proto::read_file(path));
  const QJsonDocument document = QJsonDocument::fromJson(QByteArray::fromStdString(content));
  if (!document.isArray()) return invalid(path + " is no list of marks");
  for (const QJsonValue& entry : document.array()) {
    marks.push_back({static_cast<int64_t>(entry["time_ns"].toDouble()), entry["text"].toString()});
  }
  return marks;
}

Status write_marks(const std::string& path, const std::vector<Mark>& marks) {
  QJsonArray entries;
  for (const Mark& mark : marks) {
    if (mark.text.isEmpty()) continue;
    entries.append(QJsonObject{{"time_ns", static_cast<double>(mark.time_ns)}, {"text", mark.text}});
  }
  return proto::write_file_atomically(path, QJsonDocument(entries).toJson().toStdString());
}

}  // namespace pipeloom::gui
