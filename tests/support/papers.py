"""A literal copy of the signed SOPs, by hand, to test the TOML files against."""

from __future__ import annotations

#: Lumajang, number 427.53/7.01/2018: (step, outcome, next step).
LUMAJANG_MOVES = (
    ("request", "submitted", "evaluation"),
    ("evaluation", "accepted", "urgency"),
    ("evaluation", "returned", "returned"),
    ("evaluation", "rejected", "closed"),
    ("returned", "resubmitted", "evaluation"),
    ("returned", "withdrawn", "closed"),
    ("urgency", "emergency", "approval"),
    ("urgency", "normal", "implementation"),
    ("approval", "approved", "implementation"),
    ("approval", "refused", "evaluation"),
    ("implementation", "done", "test"),
    ("test", "passed", "report"),
    ("test", "failed", "rollback"),
    ("rollback", "rolled-back", "report"),
    ("report", "reported", "verification"),
    ("verification", "verified", "release"),
    ("release", "scheduled", "asset-review"),
    ("release", "no-release", "asset-review"),
    ("asset-review", "changed", "asset-update"),
    ("asset-review", "unchanged", "closed"),
    ("asset-update", "updated", "closed"),
)

#: Tana Tidung, signed 15 Februari 2017.
TANA_TIDUNG_MOVES = (
    ("request", "submitted", "evaluation"),
    ("evaluation", "accepted", "urgency"),
    ("evaluation", "returned", "returned"),
    ("evaluation", "rejected", "closed"),
    ("returned", "resubmitted", "evaluation"),
    ("returned", "withdrawn", "closed"),
    ("urgency", "emergency", "approval"),
    ("urgency", "normal", "implementation"),
    ("approval", "approved", "implementation"),
    ("approval", "refused", "evaluation"),
    ("implementation", "done", "test"),
    ("test", "passed", "report"),
    ("test", "failed", "rollback"),
    ("rollback", "rolled-back", "report"),
    ("report", "reported", "verification"),
    ("verification", "verified", "release"),
    ("release", "scheduled", "asset-review"),
    ("release", "no-release", "asset-review"),
    ("asset-review", "changed", "asset-update"),
    ("asset-review", "unchanged", "closed"),
    ("asset-update", "updated", "closed"),
)

#: (number, step, role, standard time in working minutes, or None).
LUMAJANG_STEPS = (
    (1, "request", "requester", 450),
    (2, "evaluation", "change_manager", 120),
    (None, "returned", "requester", None),
    (3, "urgency", "change_manager", 15),
    (4, "approval", "head", 60),
    (5, "implementation", "change_manager", 120),
    (6, "test", "change_manager", 60),
    (7, "rollback", "change_manager", 60),
    (8, "report", "change_manager", 5),
    (9, "verification", "head", 5),
    (10, "release", "change_manager", 15),
    (11, "asset-review", "change_manager", 120),
    (12, "asset-update", "change_manager", 120),
)

TANA_TIDUNG_STEPS = (
    (2, "request", "requester", None),
    (3, "evaluation", "change_manager", None),
    (None, "returned", "requester", None),
    (4, "urgency", "change_manager", None),
    (5, "approval", "head", None),
    (6, "implementation", "change_manager", None),
    (7, "test", "change_manager", None),
    (8, "rollback", "change_manager", None),
    (9, "report", "change_manager", None),
    (10, "verification", "head", None),
    (11, "release", "change_manager", None),
    (12, "asset-review", "change_manager", None),
    (13, "asset-update", "change_manager", None),
)

LUMAJANG_PHRASES = """
LAYANAN LPSE BAGI PENYEDIA
PEMERINTAH KABUPATEN LUMAJANG
DINAS KOMUNIKASI DAN INFORMATIKA KABUPATEN LUMAJANG
UPT LAYANAN PENGADAAN SECARA ELEKTRONIK
NOMOR SOP: 427.53/7.01/2018
TANGGAL PEMBUATAN: 1 Maret 2018
TANGGAL REVISI: -
TANGGAL PENGESAHAN: 31 Maret 2018
DONY FIMBRIYANTO YANTRI, S.Sos
NIP. 19710113 199101 1 001
NAMA SOP: PENGELOLAAN PERUBAHAN DAN RILIS
DASAR HUKUM
Peraturan Pemerintah Nomor 82 Tahun 2012 tentang Penyelenggaraan Sistem dan Transaksi Elektronik;
Peraturan Presiden Nomor 54 Tahun 2010 tentang Pengadaan Barang / Jasa Pemerintah;
Peraturan Presiden Nomor 35 Tahun 2011 tentang Perubahan Atas Peraturan Presiden Nomor 54 Tahun 2010 Tentang Pengadaan
Peraturan Presiden Nomor 70 Tahun 2012 tentang Perubahan Kedua atas Peraturan Presiden Nomor 54 tahun 2010 tentang
Peraturan Presiden Nomor 172 Tahun 2014 tentang Perubahan Ketiga Atas Peraturan Presiden Nomor 54 Tahun 2010 Tentang
Peraturan Presiden Nomor 4 Tahun 2015 tentang Perubahan Keempat Atas Peraturan Presiden Nomor 54 Tahun 2010 Tentang
Peraturan Presiden Nomor 16 Tahun 2018 Tentang Pengadaan Barang / Jasa Pemerintah.
KUALIFIKASI PELAKSANA
1. Pemohon
2. Pengelola perubahan
3. Kepala LPSE
KETERKAITAN
PERALATAN/PERLENGKAPAN
1. Formulir Perubahan
2. Surat Kuasa
3. SK Pengangkatan / Penunjukkan
4. Surat permohonan perubahan email dan/atau password akun
PERINGATAN
Pelaksana bertanggung jawab atas pelaksanaan aktivitas yang telah dibakukan dan ditetapkan.
Segala bentuk penyimpangan atas mutu baku terkait perlengkapan, waktu maupun output dikategorikan sebagai bentuk
sebagai bentuk kegagalan yang harus dipertanggung jawabkan oleh pelaksana.
PENCATATAN DAN PENDATAAN
1. Pemohon menyiapkan informasi perubahan yang diperlukan dan membuat permintaan perubahan yang ditujukan kepada
yang ditujukan kepada Koordinator Perubahan
Formulir perubahan
Surat permohonan
Waktu: 1 hari
Lengkap tidaknya berkas permohonan perubahan
2. Pengelola Perubahan mengevaluasi permintaan perubahan
Kolom Pemohon: Tidak
Kelengkapan berkas permohonan perubahan
Waktu: 2 jam
3. Pengelola Perubahan mengevaluasi tingkat keterdesakan (emergency) perubahan
Kolom Kepala LPSE: Tidak
Waktu: 15 menit
Hasil mengevaluasi berkas permohonan perubahan
4. Kepala LPSE mengevaluasi dan menganalisa permintaan perubahan mendesak yang dilaporkan oleh Pengelola Perubahan
Hasil evaluasi berkas permohonan perubahan dari pengelola perubahan
Waktu: 1 jam
Penindaklanjutan persetujuan berkas permohonan perubahan
5. Pengelola Perubahan melakukan perubahan sesuai dengan permintaan perubahan yang telah diaetujui Kepala LPSE
Kolom Kepala LPSE: Ya
Persetujuan dokumen berkas permohonan perubahan yang sudah dievaluasi
PC
Hasil evaluasi perubahan yang didokumentasikan
6. Pengelola Perubahan mendokumentasikan perubahan, melakukan test terhadap perubahan.
Berkas dokumen hasil perubahan
Output: Berkas dokumen hasil perubahan; PC
7. Pengelola Perubahan melakukan mekanisme roll back.
Output: Laporan dan dokumentasi perubahan
8. Pengelola Perubahan membuat dan memberikan laporan kepada Kepala LPSE
Waktu: 5 menit
Laporan dan dokumentasi perubahan ditindaklanjuti untuk diverifikasi
9. Kepala LPSE memeriksa laporan serta dokumentasi perubahan yang dilakukan
Verifikasi laporan dan dokumentasi perubahan
Hasil verifikasi laporan dan dokumentasi perubahan
10. Pengelola Perubahan membuat jadwal untuk rilis perubahan yang akan dilakukan
Berkas jadwal rilis perubahan
Dokumentasi jadwal rilis perubahan
11. Pengelola Perubahan mengevaluasi apakah terdapat perubahan pada daftar aset setelah terjadi perubahan
Hasil evaluasi perubahan pada daftar aset
KIB (Kartu Inventaris Barang)
12. Memperbaharui daftar aset
""".strip().splitlines()

TANA_TIDUNG_PHRASES = """
LPSE KABUPATEN TANA TIDUNG
STANDARD OPERATING PROCEDURE PENGELOLAAN PERUBAHAN DAN RILIS LAYANAN PENGADAAN SECARA ELEKTRONIK (LPSE)
(STANDAR 06)
TIDENG PALE
2017
Daftar Isi
Daftar Istilah
Prosedur Pengelolaan Peruhahan dan Rilis
1. Normal Change merupakan sebuah perubahan yang harus mengikuti proses perubahan manajemen lengkap dan tidak memerlukan
dan tidak memerlukan persetujuan dari Kepala LPSE.
2. Emergency Change merupakan sebuah perubahan yang harus dikenal secepat mungkin. Misalnya untuk menyelesaikan Insiden
Insiden Mayor (Major Incindent) atau menjaga keamanan.
3. Pengelola Perubahan bertanggung terhadap dalam mengevaluasi dan melakukan perubahan
yang telah dilaporkan oleh pemohon.
4. Permintaan Perubahan (Request for Change) merupakan dokumen yang berisikan permintaan untuk penyesuaian sistem.
5. Pemohon merupakan pihak yang mengusulkan/meminta dilakukan perubahan.
1. Prosedur Pengelolaan Perubahan dan Rilis
1. Mulai
2. Pemohon menyiapkan informasi perubahan yang diperlukan dan membuat permintaan perubahan (Request for Change) yang
yang ditujukan kepada Koordinator Perubahan
3. Pengelola Perubahan mengevaluasi permintaan perubahan: Jika disetujui maka lanjut ke poin 4
Jika tidak, maka informasikan ke Pemohon beserta alasannya
4. Pengelola Perubahan mengevaluasi tingkat keterdesakan (emergency) perubahan;
Jika mendesak, memohon persetujuan Kepala LPSE, ke poin 5
Jika tidak, ke poin 6
5. Kepala LPSE mengevaluasi dan menganalisa permintaan perubahan mendesak yang dilaporkan oleh Pengelola Perubahan:
Jika disetujui, maka lanjut ke poin 6,
Jika tidak disetujui maka ke poin 3
Jika Kepala LPSE tidak ada, maka lakukan aktivitas alternative
6. Pengelola Perubahan melakukan perubahan sesuai dengan permintaan perubahan yang telah disetujui Kepala LPSE
7. Pengelola Perubahan mendokumentasikan perubahan, melakukan test terhadap perubahan.
Jika terjadi kegagalan, menuju langkah no.8
JIka perubahan berhasil maka langsung menuju langkah no.9
8. Pengelola Perubahan melakukan mekanisme roll back.
9. Pengelola Perubahan membuat dan memberikan laporan kepada Kepala LPSE
10. Kepala LPSE memeriksa laporan serta dokumentasi perubahan yang dilakukan
11. Pengelola Perubahan membuat jadwal untuk rilis perubahan yang akan dilakukan
12. Pengelola Perubahan mengevaluasi apakah terdapat perubahan pada daftar aset setelah terjadi perubahan,
jika ada maka menuju poin 13
13. Memperbaharui daftar aset
14. Selesai
Tideng Pale, 15 Februari 2017
Kepala LPSE Kabupaten Tana Tidung
H. Hadi Aryanto, S.T., M.T.
NIP. 19740417 200212 1 003
""".strip().splitlines()
